using System;
using System.Linq;
using System.Runtime.CompilerServices;
using Thomas.Graphs;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Graphs;

/// <summary>Constants that stay the 8-bit integers of their file.</summary>
public sealed class TensorDataTests
{
    private static readonly Quantization PerChannel = new([0.5f, 0.25f, 3f], [1, -2, 0], axis: 0);

    [Theory]
    [InlineData(DType.I8)]
    [InlineData(DType.U8)]
    public void Real_numbers_are_those_of_the_grid(DType type)
    {
        TensorData data = Steps(type);
        for (int i = 0; i < 12; i++)
        {
            int step = type == DType.I8 ? (sbyte)(i * 21) : (byte)(i * 21), channel = i / 4;
            Assert.Equal(PerChannel.Scales[channel] * (step - PerChannel.ZeroPoints[channel]), data.Floats[i]);
        }

        Assert.Equal(DType.F32, data.Type.DType);
        Assert.Equal(12, data.Steps!.Bytes.Length);
    }

    [Fact]
    public void Moving_axes_moves_the_steps()
    {
        TensorData data = Steps(DType.I8), moved = Transpose.Permuted(data, new IntList(1, 2, 0)), shaped = data.Reshaped(new Shape(3, 4));
        Assert.NotNull(moved.Steps);
        Assert.NotNull(shaped.Steps);
        Assert.Equal(2, moved.Quantization!.Axis);
        for (int o = 0; o < 3; o++) for (int i = 0; i < 4; i++) Assert.Equal(data.Floats[(o * 4) + i], moved.Floats[(i * 3) + o]);
        Assert.True(data.Floats.SequenceEqual(shaped.Floats));

        // Where no axis is that of the scales any more, only the numbers are left.
        TensorData flat = data.Reshaped(new Shape(12));
        Assert.Null(flat.Steps);
        Assert.True(data.Floats.SequenceEqual(flat.Floats));
    }

    [Fact]
    public void Real_numbers_are_forgotten_when_nobody_reads_them()
    {
        TensorData data = Steps(DType.I8);
        WeakReference floats = Ask(data);
        for (int i = 0; i < 10 && floats.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(floats.IsAlive);
        Assert.Equal(-0.5f, data.Floats[0]);
    }

    [Fact]
    public void Other_integers_are_refused()
    {
        Assert.Throws<GraphException>(() => TensorData.FromSteps(new TensorData(new TensorType(DType.I8, new Shape(3)), new byte[3])));
        Assert.Throws<GraphException>(() => TensorData.FromSteps(new TensorData(new TensorType(DType.I8, new Shape(4)), new byte[4], PerChannel)));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Ask(TensorData data)
    {
        System.Runtime.InteropServices.MemoryMarshal.TryGetMemoryManager<byte, System.Buffers.MemoryManager<byte>>(
            data.Bytes, out System.Buffers.MemoryManager<byte>? manager);
        return new WeakReference(manager);
    }

    private static TensorData Steps(DType type) => TensorData.FromSteps(
        new TensorData(new TensorType(type, new Shape(3, 2, 2)), Enumerable.Range(0, 12).Select(static i => (byte)(i * 21)).ToArray(), PerChannel));
}
