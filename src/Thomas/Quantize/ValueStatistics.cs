using System;
using Thomas.Graphs;

namespace Thomas.Quantize;

/// <summary>What the numbers of a value were like over the calibration images.</summary>
internal sealed class ValueStatistics
{
    /// <summary>Steps of the histogram; a grid has 256, so each of these is an eighth of a step.</summary>
    public const int Bins = 2048;

    private readonly double[] _sums;
    private readonly double[] _squares;
    private readonly float[] _channelMin;
    private readonly float[] _channelMax;
    private long _perChannel;

    public ValueStatistics(Value value)
    {
        Value = value;
        int channels = value.Shape.Rank == 0 ? 1 : value.Shape[-1];
        _sums = new double[channels];
        _squares = new double[channels];
        _channelMin = new float[channels];
        _channelMax = new float[channels];
        Array.Fill(_channelMin, float.PositiveInfinity);
        Array.Fill(_channelMax, float.NegativeInfinity);
    }

    /// <summary>The value.</summary>
    public Value Value { get; }

    /// <summary>The smallest number seen.</summary>
    public float Min { get; private set; } = float.PositiveInfinity;

    /// <summary>The largest number seen.</summary>
    public float Max { get; private set; } = float.NegativeInfinity;

    /// <summary>The smallest number of each channel, that is, along the last axis.</summary>
    public ReadOnlySpan<float> ChannelMin => _channelMin;

    /// <summary>The largest number of each channel.</summary>
    public ReadOnlySpan<float> ChannelMax => _channelMax;

    /// <summary>
    /// How many numbers fell into each of <see cref="Bins"/> steps from <see cref="Min"/> to <see cref="Max"/>; empty until they are counted.
    /// </summary>
    public long[] Counts { get; private set; } = [];

    /// <summary>Mean of the numbers of each channel.</summary>
    public double[] ChannelMeans() => Array.ConvertAll(_sums, sum => _perChannel == 0 ? 0 : sum / _perChannel);

    /// <summary>Mean of the squared numbers of each channel.</summary>
    public double[] ChannelEnergies() => Array.ConvertAll(_squares, sum => _perChannel == 0 ? 0 : sum / _perChannel);

    /// <summary>Takes the numbers of one image.</summary>
    /// <exception cref="ThomasException">One is no finite number.</exception>
    public void Add(ReadOnlySpan<float> numbers)
    {
        int channels = _sums.Length;
        Span<float> min = _channelMin, max = _channelMax;
        for (int start = 0; start < numbers.Length; start += channels)
        {
            ReadOnlySpan<float> pixel = numbers.Slice(start, channels);
            for (int c = 0; c < pixel.Length; c++)
            {
                float number = pixel[c];
                min[c] = Math.Min(min[c], number);
                max[c] = Math.Max(max[c], number);
                _sums[c] += number;
                _squares[c] += (double)number * number;
            }
        }

        _perChannel += numbers.Length / channels;
        foreach (float number in min) Min = Math.Min(Min, number);
        foreach (float number in max) Max = Math.Max(Max, number);
        if (!float.IsFinite(Min) || !float.IsFinite(Max))
        {
            throw new ThomasException($"{Value} becomes infinite or NaN for a calibration image, so it has no range; check the preprocessing.");
        }
    }

    /// <summary>Takes the numbers of one image a second time, when the range is known.</summary>
    public void Count(ReadOnlySpan<float> numbers)
    {
        if (Counts.Length == 0) Counts = new long[Bins];
        double perBin = Max > Min ? Bins / ((double)Max - Min) : 0;
        foreach (float number in numbers)
        {
            // Zeros lie on every grid, so they tell nothing of errors.
            if (number != 0) Counts[Math.Clamp((int)((number - Min) * perBin), 0, Bins - 1)]++;
        }
    }
}
