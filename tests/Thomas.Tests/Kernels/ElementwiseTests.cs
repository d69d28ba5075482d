using System;
using System.Linq;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Elementwise;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class ElementwiseTests
{
    private static readonly float[] Special =
    [
        float.NaN, float.NegativeInfinity, float.PositiveInfinity, 0f, -0f, 1f, -1f, 3f, -3f, 6f, 0.5f, 1e-30f, -1e-30f, 1e-42f, 89f, -89f,
        120f, -120f, 3.4e38f, -3.4e38f, 0.624f, 0.626f, -0.625f,
    ];

    [Fact]
    public void Exact_maps_match_their_formulas()
    {
        CheckMap(default(IdentityMap), x => x, 0);
        CheckMap(default(Relu), x => double.IsNaN(x) ? x : Math.Max(x, 0), 0);
        CheckMap(default(Relu6), x => double.IsNaN(x) ? x : Math.Min(Math.Max(x, 0), 6), 0);
        CheckMap(new Clip(-1.5f, 2f), x => double.IsNaN(x) ? x : Math.Min(Math.Max(x, -1.5), 2), 0);
        CheckMap(new LeakyRelu(0.1f), x => x < 0 ? 0.1f * x : x, 0.5001);
        CheckMap(default(NegateMap), x => -x, 0);
        CheckMap(default(AbsMap), Math.Abs, 0);
        CheckMap(default(SquareMap), x => x * x, 0.5001);
        CheckMap(default(SqrtMap), Math.Sqrt, 0.5001);
        CheckMap(default(FloorMap), Math.Floor, 0);
        CheckMap(default(ReciprocalMap), x => 1 / x, 0.5001);
    }

    [Fact]
    public void Approximated_maps_are_within_a_few_ulps()
    {
        CheckMap(default(ExpMap), Math.Exp, 2);
        CheckMap(default(Sigmoid), ReferenceMath.Sigmoid, 4);
        CheckMap(default(Tanh), Math.Tanh, 4);
        CheckMap(default(Silu), x => double.IsNegativeInfinity(x) ? 0 : x * ReferenceMath.Sigmoid(x), 6);
        CheckMap(default(Mish), x => double.IsNegativeInfinity(x) ? 0 : double.IsNaN(x) ? x : default(Mish).Value(x), 6);
        CheckMap(default(HardSwish), x => double.IsNegativeInfinity(x) ? double.NaN : x * Math.Clamp(x + 3, 0, 6) / 6, 3, lowest: 1e-5);
        // Two roundings of terms about as large as "lowest", where multiply-add is not fused.
        CheckMap(new HardSigmoid(0.2f, 0.5f), x => Math.Clamp((0.2f * x) + 0.5, 0, 1), 1, lowest: 1);
        CheckMap(new AffineMap(0.3f, -2f), x => (0.3f * x) - 2, 1.5, lowest: 2);
        CheckMap(default(RsqrtMap), x => 1 / Math.Sqrt(x), 1.6);
        CheckMap(default(LogMap), Math.Log, 2, lowest: 1e-3);
    }

    [Fact]
    public void Exp_is_accurate_over_its_whole_range()
    {
        const int Count = 40_000;
        using GuardedBuffer x = new(Count), y = new(Count);
        for (int i = 0; i < Count; i++)
            x.Span[i] = -87f + (175.7f * i / Count);
        ElementwiseLoop.Map(default(ExpMap), x.Pointer, y.Pointer, Count);
        for (int i = 0; i < Count; i++)
            Tolerance.Check(y.Span[i], Math.Exp(x.Span[i]), Tolerance.Ulps(Math.Exp(x.Span[i]), 2), $"exp({x.Span[i]:R})");
    }

    [Fact]
    public void Every_activation_handles_every_length_and_matches_its_map()
    {
        foreach (Activation activation in ActivationSamples.All)
        {
            ActivationFunction f = activation.Function;
            for (int count = 0; count <= 70; count++)
            {
                using GuardedBuffer x = GuardedBuffer.Random(count, count), y = new(count), block = new(count * 2);
                f.Apply(x.Pointer, y.Pointer, count);
                for (int i = 0; i < count; i++)
                    Tolerance.Check(y.Span[i], ReferenceMath.Activate(activation, x.Span[i]), Tolerance.Sum(1, 1, rel: 3), $"{activation} {x.Span[i]:R}");
                x.Span.CopyTo(block.Span);
                x.Span.CopyTo(block.Span[count..]);
                f.ApplyRows(block.Pointer, count, 2, count);
                Assert.True(block.Span[..count].SequenceEqual(y.Span));
                Assert.True(block.Span[count..].SequenceEqual(y.Span));
            }
        }
    }

    [Fact]
    public void A_result_does_not_depend_on_where_a_range_starts()
    {
        using GuardedBuffer x = GuardedBuffer.Random(100, 1), whole = new(100), parts = new(100);
        ElementwiseLoop.Map(default(Silu), x.Pointer, whole.Pointer, 100);
        for (int i = 0; i < 100; i += 7)
            ElementwiseLoop.Map(default(Silu), x.Pointer + i, parts.Pointer + i, Math.Min(7, 100 - i));
        Assert.True(whole.Span.SequenceEqual(parts.Span));
    }

    [Fact]
    public void Binary_maps_match_their_formulas_for_every_length()
    {
        for (int count = 0; count <= 70; count++)
        {
            CheckBinary(default(AddMap), (x, y) => x + y, count);
            CheckBinary(default(SubtractMap), (x, y) => x - y, count);
            CheckBinary(default(MultiplyMap), (x, y) => x * y, count);
            CheckBinary(default(DivideMap), (x, y) => x / y, count);
            CheckBinary(default(MaxMap), MathF.Max, count);
            CheckBinary(default(MinMap), MathF.Min, count);
            CheckBinary(new SwappedMap<SubtractMap>(default), (x, y) => y - x, count);
        }
    }

    [Fact]
    public void Broadcasts_repeat_the_small_operand()
    {
        foreach (int columns in new[] { 1, 5, 16, 37 })
        {
            using GuardedBuffer x = GuardedBuffer.Random(6 * columns, 1), row = GuardedBuffer.Random(columns, 2), column = GuardedBuffer.Random(6, 3);
            using GuardedBuffer y = new(6 * columns), z = new(6 * columns), s = new(6 * columns);
            ElementwiseLoop.BinaryRow(default(SubtractMap), x.Pointer, row.Pointer, y.Pointer, 6, columns);
            ElementwiseLoop.BinaryColumn(new SwappedMap<SubtractMap>(default), x.Pointer, column.Pointer, z.Pointer, 6, columns);
            ElementwiseLoop.BinaryScalar(default(MultiplyMap), x.Pointer, 3f, s.Pointer, x.Span.Length);
            for (int i = 0; i < x.Length; i++)
            {
                Assert.Equal(x.Span[i] - row.Span[i % columns], y.Span[i]);
                Assert.Equal(column.Span[i / columns] - x.Span[i], z.Span[i]);
                Assert.Equal(3f * x.Span[i], s.Span[i]);
            }
        }
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(2f)]
    [InlineData(-1f)]
    [InlineData(0.5f)]
    [InlineData(3f)]
    public void Power_matches_reference(float exponent)
    {
        using GuardedBuffer x = new(Special.Length), y = new(Special.Length);
        Special.CopyTo(x.Span);
        ElementwiseLoop.Power(x.Pointer, exponent, y.Pointer, Special.Length);
        for (int i = 0; i < Special.Length; i++)
            Tolerance.Check(y.Span[i], Math.Pow(Special[i], exponent), Tolerance.Ulps(Math.Pow(Special[i], exponent), 1.1), $"{Special[i]:R}^{exponent}");
    }

    [Fact]
    public void Fake_quantization_matches_reference_at_the_halves()
    {
        const int Channels = 21;
        using GuardedBuffer x = new(5 * Channels), y = new(5 * Channels), perChannel = new(5 * Channels), scales = new(Channels), zeros = new(Channels);
        for (int c = 0; c < Channels; c++)
            (scales.Span[c], zeros.Span[c]) = (0.25f * (1 + (c % 3)), c - 5);
        for (int i = 0; i < x.Length; i++)
            x.Span[i] = (i - 50) * 0.125f;
        x.Span[3] = float.NaN;
        FakeQuantizeKernel.PerTensor(x.Pointer, y.Pointer, x.Span.Length, 0.25f, 3f, -20, 20, FakeQuantizeMap.IsExact(0.25f, 3f, -20, 20));
        FakeQuantizeKernel.PerChannel(x.Pointer, perChannel.Pointer, 5, Channels, scales.Pointer, zeros.Pointer, -20, 20);
        for (int i = 0; i < x.Length; i++)
        {
            Assert.Equal(Quantized(x.Span[i], 0.25f, 3f), y.Span[i]);
            Assert.Equal(Quantized(x.Span[i], scales.Span[i % Channels], zeros.Span[i % Channels]), perChannel.Span[i]);
        }

        float Quantized(float value, float scale, float zero)
        {
            if (float.IsNaN(value)) return value;
            double q = Math.Round((double)(value / scale), MidpointRounding.ToEven) + zero;
            return (float)(scale * (Math.Clamp(q, -20, 20) - zero));
        }
    }

    [Fact]
    public void Fake_quantization_without_a_division_has_its_bits_next_to_every_tie()
    {
        uint state = 7;
        int refused = 0;
        using GuardedBuffer x = new(256 * 7 + 4), fast = new(x.Length), slow = new(x.Length);
        for (int round = 0; round < 2000; round++)
        {
            state = (state * 1664525) + 1013904223;
            float scale = MathF.ScaleB(1 + ((state >> 8) / 16777216f), (int)(state % 40) - 30), zero = state % 256;
            if (!FakeQuantizeMap.IsExact(scale, zero, 0, 255))
            {
                refused++;
                continue;
            }

            int at = 0;
            for (int q = 0; q < 256; q++)
            {
                // The tie between two integers and its neighbors.
                float tie = (q - zero + 0.5f) * scale;
                for (int step = -3; step <= 3; step++) x.Span[at++] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(tie) + step);
            }

            (x.Span[at], x.Span[at + 1], x.Span[at + 2], x.Span[at + 3]) = (float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f);
            ElementwiseLoop.Map(new FakeQuantizeMap(scale, zero, 0, 255), x.Pointer, fast.Pointer, x.Span.Length);
            ElementwiseLoop.Map(new FakeQuantizeDivisionMap(scale, zero, 0, 255), x.Pointer, slow.Pointer, x.Span.Length);
            Assert.True(float.IsNaN(fast.Span[at]));
            for (int i = 0; i < x.Length; i++)
            {
                if (!float.IsNaN(x.Span[i]) && BitConverter.SingleToInt32Bits(fast.Span[i]) != BitConverter.SingleToInt32Bits(slow.Span[i]))
                {
                    Assert.Fail($"{x.Span[i]:R} at scale {scale:R}, zero {zero}: {fast.Span[i]:R}, by division {slow.Span[i]:R}");
                }
            }
        }

        Expect.True(CpuFeatures.HasFusedMultiplyAdd ? refused < 20 : refused == 2000, $"{refused} scales are left to the division");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(114)]
    public void Fake_quantization_with_a_scale_of_one_has_the_bits_of_the_formula(float zero)
    {
        float[] special = [
            float.NaN, float.PositiveInfinity, float.NegativeInfinity, -0f, 0f, -0.3f, 0.5f, 1.5f, -0.5f, 254.5f, 255.5f, 1e30f, -1e30f, float.Epsilon];
        using GuardedBuffer x = new(1000 + special.Length), y = new(x.Length);
        for (int i = 0; i < 1000; i++) x.Span[i] = (i - 500) * 0.7512f;
        special.CopyTo(x.Span[1000..]);
        FakeQuantizeKernel.PerTensor(x.Pointer, y.Pointer, x.Span.Length, 1, zero, 0, 255, byReciprocal: true);
        for (int i = 0; i < x.Length; i++)
        {
            float expected = MathF.Max(0, MathF.Min(255, MathF.Round(x.Span[i]) + zero)) - zero;
            Assert.Equal(float.IsNaN(x.Span[i]) ? float.NaN : expected, y.Span[i]);
            Assert.False(y.Span[i] == 0 && float.IsNegative(y.Span[i]));
        }
    }

    [Fact]
    public void Fake_quantization_of_many_integers_or_strange_scales_is_left_to_the_division()
    {
        foreach (float scale in (float[])[0, -1, 1e-20f, 1e20f, float.NaN, float.PositiveInfinity]) Assert.False(FakeQuantizeMap.IsExact(scale, 0, 0, 255));
        Assert.False(FakeQuantizeMap.IsExact(0.1f, 0, -32768, 32767));
        Assert.False(FakeQuantizeMap.IsExact(0.1f, 0.5f, 0, 255));
        Assert.False(FakeQuantizeMap.IsExact(0.1f, float.NaN, 0, 255));
    }

    private static void CheckMap<TMap>(TMap map, Func<double, double> reference, double ulps, double lowest = 0)
        where TMap : struct, IUnaryMap
    {
        float[] values = [.. Special, .. Enumerable.Range(-600, 1200).Select(i => i * 0.02137f)];
        using GuardedBuffer x = new(values.Length), y = new(values.Length);
        values.CopyTo(x.Span);
        ElementwiseLoop.Map(map, x.Pointer, y.Pointer, values.Length);
        for (int i = 0; i < values.Length; i++)
        {
            double expected = reference(values[i]);
            // Where terms cancel, the error is measured against the smallest size that is promised.
            double bound = Math.Abs(expected) < lowest ? ulps * lowest * Tolerance.Epsilon : Tolerance.Ulps(expected, ulps);
            Tolerance.Check(y.Span[i], expected, bound, $"{typeof(TMap).Name}({values[i]:R})");
        }
    }

    private static void CheckBinary<TMap>(TMap map, Func<float, float, float> reference, int count)
        where TMap : struct, IBinaryMap
    {
        using GuardedBuffer x = GuardedBuffer.Random(count, 1), y = GuardedBuffer.Random(count, 2), z = new(count);
        if (count > 3) (x.Span[count - 1], y.Span[1]) = (float.NaN, float.NaN);
        ElementwiseLoop.Binary(map, x.Pointer, y.Pointer, z.Pointer, count);
        for (int i = 0; i < count; i++)
            Assert.Equal(reference(x.Span[i], y.Span[i]), z.Span[i]);
    }
}
