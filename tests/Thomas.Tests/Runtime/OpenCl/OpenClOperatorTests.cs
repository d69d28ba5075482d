using System;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>What the sweep does not see: results that must have the bits of the CPU's, and nodes of other types.</summary>
public sealed class OpenClOperatorTests
{
    private static readonly CompileOptions Cpu = new() { Threads = 1 };

    private static CompileOptions Device => new() { OtherDevice = OpenClTesting.RequireDevice(), Threads = 1 };

    [Theory]
    [InlineData(0.0123f, 3)]
    [InlineData(0.1f, -7)]
    [InlineData(1 / 3f, 0)]
    [InlineData(0.0235294122f, 128)]
    public void Numbers_beside_halves_are_quantized_as_on_the_CPU(float scale, int zero)
    {
        // A scale for all, and the same for each channel.
        float[] x = BesideHalves(scale, zero);
        foreach (int channels in (int[])[1, 3])
        {
            float[] scales = new float[channels];
            int[] zeros = new int[channels];
            Array.Fill(scales, scale);
            Array.Fill(zeros, zero);
            FakeQuantizeAttributes attributes = new(new Quantization(scales, zeros), -128, 255);
            Expect.Same(
                [Run(OpCatalog.FakeQuantize, attributes, x, new Shape(x.Length / 3, 3), Cpu)],
                [Run(OpCatalog.FakeQuantize, attributes, x, new Shape(x.Length / 3, 3), Device)]);
        }
    }

    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("I8")]
    [InlineData("I32")]
    public void A_constant_that_is_reshaped_is_copied_in_its_own_type(string type)
    {
        // 16 bytes at once, and what is left.
        const int Bytes = 1024;
        DType dtype = Enum.Parse<DType>(type);
        byte[] bytes = new byte[3 * 37 * dtype.SizeBytes()];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)((i * 7) + 1);
        GraphBuilder builder = new();
        Value constant = builder.Constant("c", new TensorData(new TensorType(dtype, new Shape(3, 37)), bytes));
        Node node = builder.Add(OpCatalog.Reshape, [constant], new ReshapeAttributes(new IntList(37, 3)), "y").Producer!;
        OpenClDevice device = OpenClTesting.RequireDevice();
        OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(node));
        Assert.False(kernel.ReadsFloats(0) || kernel.WritesFloats);
        using DeviceMemory memory = device.Allocate(2 * Bytes);
        memory.Write(0, bytes);
        memory.Clear(Bytes, Bytes);
        new OpenClSegment(
            device, [new PlacedKernel(kernel, node, [new(memory, 0, bytes.Length)], [new(memory, Bytes, bytes.Length)], default, default, Packs: true)]).Run();

        // Nothing is written behind the result.
        byte[] result = new byte[bytes.Length], behind = new byte[Bytes - bytes.Length];
        memory.Read(Bytes, result);
        memory.Read(Bytes + bytes.Length, behind);
        Assert.False(behind.AsSpan().ContainsAnyExcept((byte)0));
        Assert.Equal(bytes, result);
    }

    /// <summary>The numbers around the halves between the integers of the grid, as many as a multiple of 3.</summary>
    private static float[] BesideHalves(float scale, int zero)
    {
        const int Neighbors = 4;
        float[] x = new float[384 * ((2 * Neighbors) + 1)];
        for (int i = 0; i < x.Length; i++)
        {
            float half = -128 - zero + (i / ((2 * Neighbors) + 1)) + 0.5f;
            x[i] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(half * scale) + (i % ((2 * Neighbors) + 1)) - Neighbors);
        }

        return x;
    }

    private static float[] Run(Op op, OpAttributes attributes, float[] x, Shape shape, CompileOptions options)
    {
        GraphBuilder builder = new();
        using Executable executable = Executable.CompileAsIs(
            builder.Build(builder.Add(op, [builder.Input("x", new TensorType(DType.F32, shape))], attributes)), options);
        executable.Write(0, x);
        executable.Run();
        float[] y = new float[x.Length];
        executable.Read(0, y);
        return y;
    }
}
