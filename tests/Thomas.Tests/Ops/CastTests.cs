using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Tests.Runtime;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class CastTests
{
    private static readonly DType[] Types = [DType.F32, DType.F16, DType.BF16, DType.I8, DType.U8, DType.I32];

    private static readonly CompileOptions Cpu = new() { Threads = 1 }, Serial = new() { Device = DeviceKind.Serial };

    public static TheoryData<string, string> Pairs
    {
        get
        {
            TheoryData<string, string> pairs = [];
            foreach (DType from in Types)
            {
                foreach (DType to in Types) pairs.Add(from.ToString(), to.ToString());
            }

            return pairs;
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Every_pair_of_types_agrees_with_the_definition_everywhere(string source, string target)
    {
        DType from = Enum.Parse<DType>(source), to = Enum.Parse<DType>(target);
        foreach (int count in (int[])[1, 7, 8, 33, 5000])
        {
            byte[] x = Samples(from, count), expected = new byte[count * to.SizeBytes()];
            for (int i = 0; i < count; i++) Put(expected, to, i, Get(x, from, i));
            foreach (CompileOptions options in (CompileOptions[])[
                Serial, Cpu, new() { Threads = 3 }, DeviceTests.On(MockDevice.Serial()), DeviceTests.On(new MockDevice(HostDevice.Of(Cpu))),
                DeviceTests.On(MockDevice.Serial(OpCatalog.Cast))])
                Assert.Equal(expected, Run(from, to, x, count, options));
        }
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Every_pair_of_types_agrees_with_the_definition_on_OpenCL(string source, string target)
    {
        CompileOptions options = new() { OtherDevice = OpenClTesting.RequireDevice(), Threads = 1 };
        DType from = Enum.Parse<DType>(source), to = Enum.Parse<DType>(target);
        foreach (int count in (int[])[1, 7, 8, 5000])
        {
            byte[] x = Samples(from, count), expected = new byte[count * to.SizeBytes()];
            for (int i = 0; i < count; i++) Put(expected, to, i, Get(x, from, i));
            Assert.Equal(expected, Run(from, to, x, count, options));
        }
    }

    [Theory]
    [InlineData("F16", "F32")]
    [InlineData("BF16", "F32")]
    [InlineData("F16", "I8")]
    [InlineData("F16", "F16")]
    [InlineData("BF16", "F16")]
    [InlineData("BF16", "BF16")]
    public void Every_number_of_16_bits_is_converted_on_OpenCL_as_on_the_CPU(string source, string target)
    {
        CompileOptions options = new() { OtherDevice = OpenClTesting.RequireDevice(), Threads = 1 };
        DType from = Enum.Parse<DType>(source), to = Enum.Parse<DType>(target);
        ushort[] numbers = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];
        byte[] x = MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();
        Assert.Equal(Run(from, to, x, numbers.Length, Cpu), Run(from, to, x, numbers.Length, options));
    }

    [Theory]
    [InlineData("F16", 13)]
    [InlineData("BF16", 16)]
    public void Floats_beside_every_number_of_16_bits_and_beside_the_middles_round_on_OpenCL_as_on_the_CPU(string target, int dropped)
    {
        CompileOptions options = new() { OtherDevice = OpenClTesting.RequireDevice(), Threads = 1 };
        DType to = Enum.Parse<DType>(target);
        List<uint> numbers = [];
        for (ulong bits = 0; bits <= uint.MaxValue; bits += 1UL << (dropped - 1))
        {
            for (long step = -1; step <= 1; step++) numbers.Add((uint)((long)bits + step));
        }

        byte[] x = MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(numbers)).ToArray();
        Assert.Equal(Run(DType.F32, to, x, numbers.Count, Cpu), Run(DType.F32, to, x, numbers.Count, options));
    }

    [Theory]
    [InlineData("I8", "-128 127 0 0 -2 2 3 127")]
    [InlineData("U8", "0 255 0 0 0 2 3 255")]
    [InlineData("I32", "-1000 1000 0 0 -2 2 3 2147483647")]
    public void Integers_lose_the_fraction_and_end_at_their_range(string target, string expected)
    {
        DType to = Enum.Parse<DType>(target);
        float[] x = [-1000, 1000, float.NaN, -0.9f, -2.5f, 2.5f, 3.99f, 3e9f];
        byte[] y = Run(DType.F32, to, MemoryMarshal.AsBytes(x.AsSpan()).ToArray(), x.Length, Cpu);
        Assert.Equal(expected, string.Join(' ', Enumerable.Range(0, x.Length).Select(i => Get(y, to, i))));
    }

    [Fact]
    public void Values_of_16_bits_between_two_casts_take_half_the_memory()
    {
        foreach (CompileOptions options in (CompileOptions[])[Serial, Cpu, DeviceTests.On(new MockDevice(HostDevice.Of(Cpu)))])
        {
            (float[] half, long inHalves) = RoundTrip(DType.F16, options);
            (float[] full, long inFloats) = RoundTrip(DType.F32, options);
            Assert.Equal(Array.ConvertAll(full, static x => (float)(Half)x), half);
            Assert.Equal(2 * inHalves, inFloats);
        }
    }

    [Fact]
    public void A_gradient_goes_back_in_the_type_of_what_it_belongs_to()
    {
        Variable x = new("x", new Shape(40), VariableKind.Weight, TensorData.FromFloats(new Shape(40), TestGraphs.Noise(40, 3)));
        GraphBuilder builder = new();
        Value half = builder.Add(OpCatalog.Cast, [builder.Variable(x)], new CastAttributes(DType.BF16));
        Value loss = GradientCheck.Dot(builder, builder.Add(OpCatalog.Cast, [half], new CastAttributes(DType.F32)));
        Graph graph = Differentiate.Run(builder.Build(loss), [x], static (_, _, gradient) => [gradient], immediate: true);
        Assert.Equal(
            [DType.BF16, DType.F32], graph.Nodes.Where(node => node.Op is Cast && node.Stage == Stage.Backward).Select(node => node.Output.Type.DType));
        foreach (CompileOptions options in (CompileOptions[])[Serial, Cpu])
        {
            using VariableStore store = new([x]);
            using Executable executable = Executable.CompileAsIs(graph, options, store);
            executable.Run();
            Assert.Equal(Halves.To(TensorData.FromFloats(new Shape(40), TestGraphs.Noise(40, 101)), DType.BF16).ToFloats(), executable.Output(1).ToArray());
        }
    }

    [Fact]
    public void Nothing_is_trained_through_integers()
    {
        Variable x = new("x", new Shape(4), VariableKind.Weight);
        GraphBuilder builder = new();
        Value integers = builder.Add(OpCatalog.Cast, [builder.Variable(x)], new CastAttributes(DType.I8), "steps");
        Value loss = GradientCheck.Dot(builder, builder.Add(OpCatalog.Cast, [integers], new CastAttributes(DType.F32)));
        GraphException e = Assert.Throws<GraphException>(
            () => Differentiate.Run(builder.Build(loss), [x], static (_, _, gradient) => [gradient], immediate: true));
        Assert.Contains("from I8 to F32 cannot be trained through", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("I64")]
    [InlineData("Bool")]
    public void Other_targets_are_refused(string target)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(4)));
        GraphException e = Assert.Throws<GraphException>(() => builder.Add(OpCatalog.Cast, [x], new CastAttributes(Enum.Parse<DType>(target)), "y"));
        Assert.Contains($"the target {target} must be F32, F16, BF16, I8, U8 or I32", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Inputs_and_outputs_of_other_types_are_not_taken_for_floats()
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.I32, new Shape(4)));
        using Executable executable = Executable.CompileAsIs(builder.Build(builder.Add(OpCatalog.Cast, [x], new CastAttributes(DType.U8), "y")), Cpu);
        Assert.Contains("'x' holds I32, not F32", Assert.Throws<InvalidOperationException>(() => executable.Input()).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => executable.Write(0, new float[4]));
        Assert.Throws<InvalidOperationException>(() => executable.Read(0, new float[4]));
        Assert.Contains("'y' holds U8, not F32", Assert.Throws<InvalidOperationException>(() => executable.Output().Length).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => executable.WriteBytes(0, new byte[4]));
        Assert.Throws<ArgumentException>(() => executable.ReadBytes(0, new byte[16]));
    }

    [Theory]
    [InlineData("F16", 0x7C00)]
    [InlineData("BF16", 0x7FC0)]
    public void A_checked_run_finds_numbers_of_16_bits_that_are_not_finite(string type, int bits)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(Enum.Parse<DType>(type), new Shape(9)));
        Graph graph = builder.Build(builder.Add(OpCatalog.Cast, [x], new CastAttributes(DType.I8), "integers"));
        foreach (CompileOptions options in (CompileOptions[])[Cpu, DeviceTests.On(MockDevice.Serial())])
        {
            using Executable executable = Executable.CompileAsIs(graph, options);
            ushort[] numbers = new ushort[9];
            executable.WriteBytes(0, MemoryMarshal.AsBytes(numbers.AsSpan()));
            Assert.Null(executable.RunChecked());
            numbers[7] = (ushort)bits;
            executable.WriteBytes(0, MemoryMarshal.AsBytes(numbers.AsSpan()));
            Assert.Equal("x", executable.RunChecked()!.Value.Name);
        }
    }

    /// <summary>x in float32, cast there and back; what the middle one of two equal copies takes.</summary>
    private static (float[] Result, long Bytes) RoundTrip(DType type, CompileOptions options)
    {
        const int count = 4096;
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(count)));
        Value stored = builder.Add(OpCatalog.Cast, [x], new CastAttributes(type), "stored");
        Graph graph = builder.Build(builder.Add(OpCatalog.Cast, [stored], new CastAttributes(DType.F32), "y"));
        CompiledGraph compiled = CompiledGraph.Create(graph, options);
        using Executable executable = Executable.Create(compiled);
        executable.Write(0, TestGraphs.Noise(count, 5));
        executable.Run();
        float[] result = new float[count];
        executable.Read(0, result);
        return (result, compiled.Plan.Blocks.First(block => block.Name == "stored").Size);
    }

    private static byte[] Run(DType from, DType to, byte[] x, int count, CompileOptions options)
    {
        GraphBuilder builder = new();
        Value input = builder.Input("x", new TensorType(from, new Shape(count)));
        using Executable executable = Executable.CompileAsIs(builder.Build(builder.Add(OpCatalog.Cast, [input], new CastAttributes(to))), options);
        executable.WriteBytes(0, x);
        executable.Run();
        byte[] y = new byte[count * to.SizeBytes()];
        executable.ReadBytes(0, y);
        return y;
    }

    /// <summary>Numbers of all sizes: edges first, then noise.</summary>
    private static byte[] Samples(DType type, int count)
    {
        double[] edges = [
            0, 1, -1, 127.5, -128.5, 255, 65504, 65520, 16777217, -2147483648, 2147483647, 0.333251953125, 5.9604645e-8, 1e-45, double.PositiveInfinity,
            double.NegativeInfinity, double.NaN];
        float[] noise = TestGraphs.Noise(count, 11);
        byte[] bytes = new byte[count * type.SizeBytes()];
        for (int i = 0; i < count; i++) Put(bytes, type, i, i < edges.Length ? edges[i] : noise[i] * Math.Pow(2, i % 40));
        return bytes;
    }

    // The conversions of the runtime, apart from the library's: bfloat16 by hand.
    private static double Get(byte[] bytes, DType type, int i) => type switch
    {
        DType.F32 => MemoryMarshal.Cast<byte, float>(bytes)[i],
        DType.F16 => (double)MemoryMarshal.Cast<byte, Half>(bytes)[i],
        DType.BF16 => BitConverter.Int32BitsToSingle(MemoryMarshal.Cast<byte, ushort>(bytes)[i] << 16),
        DType.I8 => (sbyte)bytes[i],
        DType.U8 => bytes[i],
        _ => MemoryMarshal.Cast<byte, int>(bytes)[i],
    };

    private static void Put(byte[] bytes, DType type, int i, double value)
    {
        Span<byte> all = bytes;
        switch (type)
        {
            case DType.F32:
                MemoryMarshal.Cast<byte, float>(all)[i] = (float)value;
                break;
            case DType.F16:
                MemoryMarshal.Cast<byte, Half>(all)[i] = (Half)value;
                break;
            case DType.BF16:
                MemoryMarshal.Cast<byte, ushort>(all)[i] = NearestBFloat16((float)value);
                break;
            case DType.I8:
                bytes[i] = (byte)(sbyte)Math.Clamp(Math.Truncate(value), sbyte.MinValue, sbyte.MaxValue);
                break;
            case DType.U8:
                bytes[i] = (byte)Math.Clamp(Math.Truncate(value), byte.MinValue, byte.MaxValue);
                break;
            default:
                MemoryMarshal.Cast<byte, int>(all)[i] = (int)Math.Clamp(Math.Truncate(value), int.MinValue, int.MaxValue);
                break;
        }
    }

    /// <summary>Of the two neighbors the nearer one, of two as near the even one.</summary>
    private static ushort NearestBFloat16(float value)
    {
        ushort down = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16), up = (ushort)(down + 1);
        if (!float.IsFinite(value)) return down;
        double below = Math.Abs((double)value - Widened(down)),
            above = Math.Abs((float.IsFinite(Widened(up)) ? Widened(up) : Math.Sign(value) * Math.Pow(2, 128)) - (double)value);
        return below < above || (below == above && (down & 1) == 0) ? down : up;

        static float Widened(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
    }
}
