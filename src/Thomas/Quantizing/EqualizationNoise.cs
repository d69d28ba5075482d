using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>
/// An estimate of the noise that 8 bits cause behind a group of values whose channels are scaled: a step d of an activation is noise of power d^2 / 12 in each
/// channel, and a step of a weight likewise times the energy of what it multiplies. Channels count as independent.
/// </summary>
internal sealed class EqualizationNoise
{
    private const int ActivationSteps = byte.MaxValue, WeightSteps = sbyte.MaxValue;

    private readonly List<ValueStatistics> _members;
    private readonly List<Reader> _readers = [];

    /// <summary>Studies a group.</summary>
    /// <param name="members">The values of the group that are rounded.</param>
    /// <param name="readers">The layers that read it.</param>
    public EqualizationNoise(List<ValueStatistics> members, List<Node> readers)
    {
        _members = members;
        Shares = new double[members[0].ChannelMax.Length];
        double[] energies = new double[Shares.Length];
        foreach (ValueStatistics member in members)
        {
            double largest = Math.Max(member.Max, -member.Min);
            for (int c = 0; c < Shares.Length && largest > 0; c++) Shares[c] = Math.Max(Shares[c], RangeOf(member, c) / largest);
        }

        foreach (Node node in readers)
        {
            foreach (ValueStatistics member in members)
            {
                // What lies between a member and the reader passes the energy on, or lowers it as pools do.
                if (ReferenceEquals(member.Value, node.Inputs[0]) || ReferenceEquals(member, members[^1])) energies = member.ChannelEnergies();
                if (ReferenceEquals(member.Value, node.Inputs[0])) break;
            }

            _readers.Add(new Reader(node, energies));
        }
    }

    /// <summary>The range of each channel, divided by that of the largest; the largest of all members.</summary>
    public double[] Shares { get; }

    /// <summary>The noise behind the readers, relative to what they give, with channels divided by these factors.</summary>
    public double Of(double[] factors)
    {
        double step = 0, noise = 0;
        foreach (ValueStatistics member in _members)
        {
            double low = 0, high = 0;
            for (int c = 0; c < factors.Length; c++)
            {
                low = Math.Min(low, member.ChannelMin[c] / factors[c]);
                high = Math.Max(high, member.ChannelMax[c] / factors[c]);
            }

            step += (high - low) * (high - low) / ActivationSteps / ActivationSteps;
        }

        foreach (Reader reader in _readers) noise += reader.Noise(factors, step);
        return noise;
    }

    private static double RangeOf(ValueStatistics member, int channel) => Math.Max(member.ChannelMax[channel], -member.ChannelMin[channel]);

    /// <summary>A layer: for each output and input channel the largest weight and the sum of squares over its taps.</summary>
    private sealed class Reader
    {
        private readonly double[] _energies;
        private readonly double[] _largest;
        private readonly double[] _squares;
        private readonly bool _sharesScale;
        private readonly bool _isDepthwise;
        private readonly int _inputs;
        private readonly int _taps;

        public Reader(Node node, double[] energies)
        {
            TensorData data = node.Inputs[1].Constant!;
            float[] weights = data.ToFloats();
            Shape shape = data.Type.Shape;
            _energies = energies;
            _inputs = energies.Length;
            _isDepthwise = node.Op is DepthwiseConv2d;
            _sharesScale = node.Op is Dense;
            int outputs = _isDepthwise ? shape[3] : shape[0], perOutput = weights.Length / outputs, multiplier = _isDepthwise ? outputs / _inputs : 1;
            _taps = _isDepthwise ? perOutput : perOutput / _inputs;
            _largest = new double[_isDepthwise ? outputs : outputs * _inputs];
            _squares = new double[_largest.Length];
            for (int i = 0; i < weights.Length; i++)
            {
                int at = _isDepthwise ? i % outputs : (i / perOutput * _inputs) + (i % _inputs);
                double weight = Math.Abs((double)weights[i]);
                _largest[at] = Math.Max(_largest[at], weight);
                _squares[at] += weight * weight;
            }

            Multiplier = multiplier;
        }

        private int Multiplier { get; }

        public double Noise(double[] factors, double stepSquared)
        {
            double noise = 0, signal = 1e-30, largest = 0, weightNoise = 0;
            int rows = _isDepthwise ? _largest.Length : _largest.Length / _inputs, columns = _isDepthwise ? 1 : _inputs;
            double scaled = 0;
            for (int c = 0; c < _inputs; c++) scaled += _energies[c] / factors[c] / factors[c];
            for (int o = 0; o < rows; o++)
            {
                double widest = 0, own = scaled;
                for (int k = 0; k < columns; k++)
                {
                    int c = _isDepthwise ? o / Multiplier : k, at = (o * columns) + k;
                    widest = Math.Max(widest, _largest[at] * factors[c]);
                    noise += stepSquared * factors[c] * factors[c] * _squares[at];
                    signal += _squares[at] * _energies[c];
                    if (_isDepthwise) own = _energies[c] / factors[c] / factors[c];
                }

                largest = Math.Max(largest, widest);
                weightNoise += widest * widest * own;
            }

            if (_sharesScale) weightNoise = largest * largest * scaled * rows;
            return (noise + (weightNoise * _taps / WeightSteps / WeightSteps)) / 12 / signal;
        }
    }
}
