using System;
using Thomas.Kernels.Quantized;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels.Quantized;

public unsafe class QuantizedElementwiseTests
{
    private static readonly QuantizedOperand[] Grids =
        [new(0.05f, -3, true), new(0.023f, 128, false), new(0.4f, 127, true), new(1.7f, 0, false), new(0.0009f, -128, true)];

    [Fact]
    public void Quantize_rounds_and_clips_as_defined()
    {
        foreach (QuantizationRule rule in Enum.GetValues<QuantizationRule>())
        {
            foreach (QuantizedOperand grid in Grids)
            {
                int lower = grid.IsSigned ? -128 : 0;
                QuantizeKernel kernel = new(rule, grid.Scale, grid.Zero, lower, lower + 255);
                foreach (int count in SimdSizes.UpTo(200)) CheckQuantize(kernel, grid, count);
            }
        }
    }

    [Fact]
    public void Quantize_knows_the_three_ways_to_round()
    {
        float[] halves = [-1.5f, -0.5f, 0.5f, 1.5f, 2.5f];
        Assert.Equal([-2, 0, 0, 2, 2], Array.ConvertAll(halves, new QuantizeKernel(QuantizationRule.Division, 1f, 0, -128, 127).Apply));
        Assert.Equal([-2, -1, 1, 2, 3], Array.ConvertAll(halves, new QuantizeKernel(QuantizationRule.AwayFromZero, 1f, 0, -128, 127).Apply));
        Assert.Equal(-5, new QuantizeKernel(QuantizationRule.Division, 1f, -5, -128, 127).Apply(float.NaN));

        // Somewhere the quotient and the product with the reciprocal lie on different sides of a half.
        int differences = 0;
        QuantizeKernel division = new(QuantizationRule.Division, 0.3f, 0, -128, 127), reciprocal = new(QuantizationRule.Reciprocal, 0.3f, 0, -128, 127);
        for (int step = -100; step < 100; step++)
        {
            float x = (step + 0.5f) * 0.3f;
            Assert.Equal((int)MathF.Round(x / 0.3f), division.Apply(x));
            Assert.Equal((int)MathF.Round(x * (1f / 0.3f)), reciprocal.Apply(x));
            if (division.Apply(x) != reciprocal.Apply(x)) differences++;
        }

        Assert.InRange(differences, 1, 150);
    }

    [Fact]
    public void Dequantize_gives_the_bits_of_the_definition()
    {
        foreach (QuantizedOperand grid in Grids)
        {
            foreach (int count in SimdSizes.UpTo(200))
            {
                using GuardedBytes x = GuardedBytes.Random(count, count);
                using GuardedBuffer y = new(count);
                DequantizeKernel kernel = new(grid);
                kernel.Run(x.Pointer, y.Pointer, count);
                for (int i = 0; i < count; i++) Assert.Equal((grid.Read(x.Span[i]) - grid.Zero) * grid.Scale, y.Span[i]);
            }
        }
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Sums_of_all_pairs_are_as_defined(bool isFixedPoint, bool subtracts)
    {
        RequantizationRule rule = isFixedPoint ? RequantizationRule.FixedPoint : RequantizationRule.Float;
        foreach (QuantizedOperand a in Grids)
        {
            foreach (QuantizedOperand b in Grids)
            {
                foreach (QuantizedOperand y in Grids)
                {
                    QuantizedAddKernel add = new(rule, a, b, y, y.IsSigned ? -128 : 3, y.IsSigned ? 90 : 255, subtracts);
                    CheckPairs(add.Run, (p, q) => add.Apply(a.Read(p), b.Read(q)));
                }
            }
        }
    }

    [Fact]
    public void Fused_sums_of_all_pairs_are_as_defined()
    {
        foreach (QuantizedOperand a in Grids)
        {
            foreach (QuantizedOperand b in Grids)
            {
                foreach (QuantizedOperand y in Grids)
                {
                    QuantizedAddKernel add = new(a, b, y, y.IsSigned ? -128 : 0, y.IsSigned ? 127 : 255);
                    CheckPairs(add.Run, (p, q) => add.Apply(a.Read(p), b.Read(q)));
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_sum_is_that_of_the_real_numbers_but_for_a_step(bool subtracts)
    {
        QuantizedOperand a = new(0.05f, -3, true), b = new(0.11f, 40, true), y = new(0.13f, -20, true);
        foreach (RequantizationRule rule in new[] { RequantizationRule.Float, RequantizationRule.FixedPoint })
        {
            QuantizedAddKernel add = new(rule, a, b, y, -128, 127, subtracts);
            Assert.Equal(rule, add.Rule);
            for (int i = 0; i < 1 << 16; i++)
            {
                int p = (sbyte)i, q = (sbyte)(i >> 8);
                double exact = (((p - a.Zero) * (double)a.Scale) + ((subtracts ? -1 : 1) * (q - b.Zero) * (double)b.Scale)) / y.Scale;
                Assert.InRange(add.Apply(p, q) - Math.Clamp(exact + y.Zero, -128, 127), -0.51, 0.51);
            }
        }
    }

    [Fact]
    public void Sums_whose_scales_are_too_far_apart_are_left_to_fixed_point()
    {
        QuantizedAddKernel add = new(RequantizationRule.Float, new(1f, 0, true), new(0.0009f, 0, true), new(1f, 0, true), -128, 127);
        Assert.Equal(RequantizationRule.FixedPoint, add.Rule);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Products_of_all_pairs_are_as_defined(bool isFixedPoint)
    {
        RequantizationRule rule = isFixedPoint ? RequantizationRule.FixedPoint : RequantizationRule.Float;
        foreach (QuantizedOperand a in Grids)
        {
            foreach (QuantizedOperand b in Grids)
            {
                foreach (double ratio in new[] { 0.0001, 0.004, 0.5, 2.3 })
                {
                    (int lower, int upper) = a.IsSigned ? (-128, 90) : (3, 255);
                    QuantizedMultiplyKernel multiply = new(a, b, new Requantization(rule, [(float)ratio], a.Zero, lower, upper));
                    CheckPairs(multiply.Run, (p, q) => multiply.Apply(a.Read(p), b.Read(q)));
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_table_maps_every_byte(bool isSigned)
    {
        ByteTable table = new(isSigned, x => (x * 7) + 3);
        foreach (int count in SimdSizes.UpTo(400))
        {
            using GuardedBytes x = GuardedBytes.Random(count, count), y = new(count);
            table.Run(x.Pointer, y.Pointer, count);
            for (int i = 0; i < count; i++) Assert.Equal((byte)(((isSigned ? (sbyte)x.Span[i] : x.Span[i]) * 7) + 3), y.Span[i]);
            table.Run(x.Pointer, x.Pointer, count);
            Assert.True(x.Span.SequenceEqual(y.Span));
        }
    }

    private static void CheckQuantize(QuantizeKernel kernel, QuantizedOperand grid, int count)
    {
        using GuardedBuffer x = GuardedBuffer.Random(count, count);
        using GuardedBytes y = new(count);
        Random random = new(count);
        for (int i = 0; i < count; i++)
        {
            // Halves of steps and their neighbors, numbers beyond the grid, and what is no number.
            float half = (random.Next(-300, 300) + 0.5f) * grid.Scale;
            x.Span[i] = (i % 5) switch
            {
                0 => half,
                1 => BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(half) + random.Next(-3, 4)),
                2 => x.Span[i] * 300 * grid.Scale,
                3 => x.Span[i] * 1e30f,
                _ => random.Next(4) switch { 0 => float.NaN, 1 => float.PositiveInfinity, 2 => float.NegativeInfinity, _ => -0f },
            };
        }

        kernel.Run(x.Pointer, y.Pointer, count);
        for (int i = 0; i < count; i++)
        {
            int expected = kernel.Apply(x.Span[i]);
            Expect.True(y.Span[i] == (byte)expected, $"{grid} {x.Span[i]}: {y.Span[i]}, not {expected}");
        }
    }

    /// <summary>A function of two bytes on some of all pairs at every length that vectors treat differently, and in place.</summary>
    private static void CheckPairs(RunPairs run, Func<byte, byte, int> apply)
    {
        foreach (int count in new[] { 1, 3, 17, 40, 62, 85, 127, 1000 })
        {
            using GuardedBytes a = GuardedBytes.Random(count, 1), b = GuardedBytes.Random(count, 2), y = new(count);
            run(a.Pointer, b.Pointer, y.Pointer, count);
            for (int i = 0; i < count; i++)
            {
                int expected = apply(a.Span[i], b.Span[i]);
                Expect.True(y.Span[i] == (byte)expected, $"{a.Span[i]} and {b.Span[i]}: {y.Span[i]}, not {expected}");
            }

            run(a.Pointer, b.Pointer, a.Pointer, count);
            Assert.True(a.Span.SequenceEqual(y.Span));
        }
    }

    private delegate void RunPairs(byte* a, byte* b, byte* y, nint count);
}
