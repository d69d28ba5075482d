using System;
using System.Linq;
using Thomas.Kernels.Copy;
using Xunit;

namespace Thomas.Tests.Kernels;

public sealed unsafe class HalfFloatsTests
{
    private static readonly ushort[] All = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits)];

    [Fact]
    public void Every_binary16_number_is_widened_to_the_bits_of_the_runtime()
    {
        float[] actual = new float[All.Length];
        fixed (ushort* source = All)
        fixed (float* target = actual) HalfFloats.WidenBinary16(source, target, All.Length);
        for (int i = 0; i < All.Length; i++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf(All[i]);
            Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(actual[i]));
        }
    }

    [Fact]
    public void Every_bfloat16_number_is_the_upper_half_of_what_it_is_widened_to()
    {
        float[] actual = new float[All.Length];
        fixed (ushort* source = All)
        fixed (float* target = actual) HalfFloats.WidenBFloat16(source, target, All.Length);
        for (int i = 0; i < All.Length; i++) Assert.Equal((uint)All[i] << 16, BitConverter.SingleToUInt32Bits(actual[i]));
        Assert.All(actual.Where(x => !float.IsNaN(x)), x => Assert.Equal(BitConverter.SingleToUInt32Bits(x) >> 16, HalfFloats.ToBFloat16(x)));
    }

    [Theory]
    [InlineData(1f, 0x3F80)]
    [InlineData(1.00390625f, 0x3F80)]
    [InlineData(1.0039064f, 0x3F81)]
    [InlineData(1.01171875f, 0x3F82)]
    [InlineData(-0f, 0x8000)]
    [InlineData(float.MaxValue, 0x7F80)]
    [InlineData(float.NegativeInfinity, 0xFF80)]
    [InlineData(1e-45f, 0x0000)]
    public void Bfloat16_is_rounded_to_nearest_ties_to_even(float value, int bits) => Assert.Equal(bits, HalfFloats.ToBFloat16(value));

    /// <summary>Every 16-bit number, what lies beside it and in the middle to the next, in all places of a vector.</summary>
    [Fact]
    public void Vectors_round_as_a_conversion_one_by_one()
    {
        foreach (int dropped in (int[])[13, 16])
        {
            uint[] bits = [.. Enumerable.Range(0, 1 << (33 - dropped)).SelectMany(i => Near((uint)i << (dropped - 1)))];
            ushort[] actual = new ushort[bits.Length], streamed = new ushort[bits.Length + 32];
            fixed (uint* source = bits)
            fixed (ushort* target = actual)
            fixed (ushort* unaligned = streamed)
            {
                ushort* aligned = (ushort*)(((nuint)unaligned + 63) & ~(nuint)63);
                if (dropped == 13)
                {
                    HalfFloats.NarrowBinary16((float*)source, target, bits.Length);
                    HalfFloats.NarrowBinary16((float*)source, aligned, bits.Length, streams: true);
                }
                else
                {
                    HalfFloats.NarrowBFloat16((float*)source, target, bits.Length);
                    HalfFloats.NarrowBFloat16((float*)source, aligned, bits.Length, streams: true);
                }

                Assert.True(new ReadOnlySpan<ushort>(aligned, bits.Length).SequenceEqual(actual));
            }

            for (int i = 0; i < bits.Length; i++)
            {
                float value = BitConverter.UInt32BitsToSingle(bits[i]);
                ushort expected = dropped == 13 ? BitConverter.HalfToUInt16Bits((Half)value) : HalfFloats.ToBFloat16(value);
                if (expected != actual[i]) Assert.Fail($"{bits[i]:X8} became {actual[i]:X4} instead of {expected:X4}");
            }
        }

        static uint[] Near(uint bits) => [bits - 1, bits, bits + 1];
    }

    [Fact]
    public void A_NaN_stays_one()
    {
        foreach (uint bits in (uint[])[0x7F800001, 0x7FC00000, 0xFFFFFFFF, 0xFF80FFFF])
        {
            ushort half = HalfFloats.ToBFloat16(BitConverter.UInt32BitsToSingle(bits));
            Assert.True(float.IsNaN(BitConverter.UInt32BitsToSingle((uint)half << 16)));
        }
    }

    [Fact]
    public void Any_number_of_elements_is_widened_and_no_other_is_touched()
    {
        for (int count = 0; count < 40; count++)
        {
            float[] target = new float[count + 2];
            Array.Fill(target, 7);
            fixed (ushort* source = Enumerable.Repeat((ushort)0x3C00, count + 1).ToArray())
            fixed (float* first = target) HalfFloats.WidenBinary16(source, first + 1, count);
            Assert.Equal([7, .. Enumerable.Repeat(1f, count), 7], target);
            foreach (bool isBinary16 in (bool[])[false, true])
            {
                ushort[] narrow = new ushort[count + 2];
                fixed (float* source = target)
                fixed (ushort* first = narrow)
                {
                    if (isBinary16) HalfFloats.NarrowBinary16(source + 1, first + 1, count);
                    else HalfFloats.NarrowBFloat16(source + 1, first + 1, count);
                }

                Assert.Equal([0, .. Enumerable.Repeat((ushort)(isBinary16 ? 0x3C00 : 0x3F80), count), 0], narrow);
            }
        }
    }

    [Fact]
    public void A_number_that_is_not_finite_is_found_wherever_it_stands()
    {
        foreach ((ushort mask, ushort[] bad, ushort good) in ((ushort, ushort[], ushort)[])[
            (HalfFloats.Binary16Exponent, [0x7C00, 0xFC00, 0x7C01, 0xFFFF], 0xFBFF), (HalfFloats.BFloat16Exponent, [0x7F80, 0xFF80, 0x7FC0], 0xFF7F)])
        {
            ushort[] numbers = new ushort[70];
            Array.Fill(numbers, good);
            Assert.True(HalfFloats.AllFinite(numbers, mask));
            for (int i = 0; i < numbers.Length; i++)
            {
                numbers[i] = bad[i % bad.Length];
                Assert.False(HalfFloats.AllFinite(numbers, mask));
                numbers[i] = good;
            }
        }
    }
}
