using System;
using Thomas.Kernels;
using Thomas.Kernels.Quantized;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels.Quantized;

public unsafe class QuantizedPoolingTests
{
    [Fact]
    public void Pooling_gives_the_bytes_of_the_definition()
    {
        foreach (QuantizedPoolKind kind in Enum.GetValues<QuantizedPoolKind>()) CheckWindows(kind);
    }

    [Theory]
    [InlineData(5, 2, 3)]
    [InlineData(-5, 2, -3)]
    [InlineData(-4, 3, -1)]
    [InlineData(7, 4, 2)]
    [InlineData(0, 9, 0)]
    public void A_mean_rounds_halves_away_from_zero(int sum, int count, int expected) => Assert.Equal(expected, QuantizedPooling.Mean(sum, count));

    // Sums around those where the mean goes to the next integer, in as many channels as a vector and some more.
    [Theory]
    [InlineData(2, 127)]
    [InlineData(49, 126)]
    [InlineData(1000, -128)]
    [InlineData(32768, 126)]
    [InlineData(32768, -127)]
    [InlineData(40000, 126)]
    public void Means_of_many_numbers_round_where_the_definition_does(int count, int value)
    {
        const int Channels = 21;
        ConvGeometry g = new(1, 1, count, Channels, Channels, 1, 1, 1, count);
        Requantization bounds = new(RequantizationRule.Float, [1], 0, -128, 127);
        QuantizedPooling pooling = new(g, QuantizedPoolKind.Average, new QuantizedOperand(1, 0, true), bounds);
        using GuardedBytes x = GuardedBytes.Random((long)count * Channels, 1), y = GuardedBytes.Random(Channels, 2);
        for (int c = 0; c < Channels; c++)
        {
            int others = Math.Clamp((count / 2) + c - 10, 0, count);
            for (int i = 0; i < count; i++) x.Span[(i * Channels) + c] = (byte)(i < others ? Math.Min(value + 1, 127) : value);
        }

        pooling.RunItems(x.Pointer, y.Pointer, 0, pooling.Items);
        for (int c = 0; c < Channels; c++)
        {
            int others = Math.Clamp((count / 2) + c - 10, 0, count);
            int sum = (value * (count - others)) + (Math.Min(value + 1, 127) * others);
            Assert.Equal(QuantizedPooling.Mean(sum, count), (sbyte)y.Span[c]);
        }
    }

    private static void CheckWindows(QuantizedPoolKind kind)
    {
        foreach (int channels in new[] { 1, 7, 24, 45 })
        {
            foreach (ConvGeometry g in WindowCases.All(channels, channels + (channels % 2)))
            {
                Check(g, kind, new QuantizedOperand(1, -9, true), new Requantization(RequantizationRule.Float, [0.043], 4, -100, 101));
                Check(g, kind, new QuantizedOperand(1, 99, false), new Requantization(RequantizationRule.FixedPoint, [0.071], 140, 20, 250));
            }
        }
    }

    private static void Check(ConvGeometry g, QuantizedPoolKind kind, QuantizedOperand grid, Requantization finish)
    {
        QuantizedPooling pooling = new(g, kind, grid, finish);
        using GuardedBytes x = GuardedBytes.Random(((((long)g.Batch * g.InH * g.InW) - 1) * g.ChannelStride) + g.Channels, 1);
        using GuardedBytes y = GuardedBytes.Random((long)g.OutPixels * g.Channels, 2);
        for (int item = pooling.Items - 1; item >= 0; item--) pooling.RunItems(x.Pointer, y.Pointer, item, item + 1);
        for (int i = 0; i < y.Length; i++)
        {
            int sum = 0, largest = int.MinValue, count = 0;
            foreach ((int pixel, _, _) in WindowCases.TapsOf(g, i / g.Channels))
            {
                int value = grid.Read(x.Span[(pixel * g.ChannelStride) + (i % g.Channels)]);
                (sum, largest, count) = (sum + value, Math.Max(largest, value), count + 1);
            }

            byte expected = (byte)pooling.Apply(sum, largest, count);
            Expect.True(y.Span[i] == expected, $"{kind} {g} [{i}]: {y.Span[i]}, not {expected}");
        }
    }
}
