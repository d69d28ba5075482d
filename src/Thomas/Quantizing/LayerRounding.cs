using System;
using System.Numerics;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Quantizing;

/// <summary>A layer on its grids.</summary>
/// <param name="Weights">The weights, rounded.</param>
/// <param name="Bias">One number for each channel, not rounded yet.</param>
internal sealed record RoundedLayer(TensorData Weights, double[] Bias);

/// <summary>
/// Chooses the integers of a layer by what the layer computes, not by each weight alone: the least E |W x - V x|^2 over the calibration images, x being what
/// the float network feeds it. One input after the other is rounded, and those that are still free make up for its error (Frantar et al. 2022,
/// arXiv:2210.17323; the same as Babai's nearest plane); the bias takes what is left of the mean.
/// </summary>
internal static class LayerRounding
{
    /// <summary>Least share of a covariance that is taken from its diagonal.</summary>
    private const double LeastShrinkage = 0.01;

    /// <summary>Rounds a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="moments">What it reads.</param>
    /// <param name="perChannel">Whether each channel has its own scale.</param>
    /// <param name="inputScale">The step of the layer's input.</param>
    /// <param name="corrects">Whether the bias makes up for the mean error.</param>
    /// <param name="threads">Threads; 0 means one for each processor.</param>
    /// <param name="cancellation">Ends the work soon.</param>
    public static RoundedLayer Run(
        LinearNode layer, InputMoments moments, bool perChannel, float inputScale, bool corrects, int threads, CancellationToken cancellation)
    {
        TensorData data = layer.Weights.Constant!;
        WeightLayout layout = new(data.Type.Shape, layer.ChannelAxis, layer.Channels);
        float[] exact = data.ToFloats();
        double[][] rows = new double[layout.Channels][];
        for (int o = 0; o < rows.Length; o++)
        {
            rows[o] = new double[layout.Length];
            for (int i = 0; i < layout.Length; i++) rows[o][i] = exact[layout.At(o, i)];
        }

        Form[] forms = new Form[moments.HasProducts ? moments.Groups : 0];
        int perGroup = rows.Length / moments.Groups;
        for (int g = 0; g < forms.Length; g++) forms[g] = new Form(moments, g, cancellation);

        double[] bias = new double[rows.Length];
        if (layer.Bias?.Constant is TensorData given)
        {
            ReadOnlySpan<float> numbers = given.Widened;
            for (int c = 0; c < bias.Length; c++) bias[c] = numbers[c];
        }

        float[] scales = WeightRounding.Scales(rows, perChannel, bias, inputScale);
        void Round(int o)
        {
            float scale = scales[perChannel ? o : 0];
            if (forms.Length > 0)
            {
                forms[o / perGroup].Round(rows[o], scale);
                return;
            }

            for (int i = 0; i < rows[o].Length; i++) rows[o][i] = scale * WeightRounding.Steps(rows[o][i], scale);
        }

        // A few numbers are not worth threads.
        const long Few = 1 << 20;
        int workers = (long)rows.Length * layout.Length * layout.Length >= Few ? threads : 1;
        Workers.Run(rows.Length, workers, Round, cancellation);

        float[] rounded = new float[exact.Length];
        for (int o = 0; o < rows.Length; o++)
        {
            for (int i = 0; i < layout.Length; i++)
            {
                int at = layout.At(o, i);
                rounded[at] = (float)rows[o][i];
                if (corrects) bias[o] += ((double)exact[at] - rounded[at]) * moments.Mean(o / perGroup, i);
            }
        }

        return new RoundedLayer(
            TensorData.FromFloats(data.Type.Shape, rounded, new Quantization(scales, new int[scales.Length], perChannel ? layer.ChannelAxis : 0)), bias);
    }

    /// <summary>The quadratic form of a group of channels, e C eT with C the covariance of its inputs, as squares: C = L LT.</summary>
    private sealed class Form
    {
        private readonly int _length;
        private readonly int[] _order;
        private readonly double[] _lower;
        private readonly double[] _ahead;

        public Form(InputMoments moments, int group, CancellationToken cancellation)
        {
            _length = moments.Length;
            double[] covariance = moments.Covariance(group);

            // With as many images as inputs, half of what is off the diagonal is chance (Ledoit and Wolf 2004 in short).
            double shrinkage = Math.Max(LeastShrinkage, _length / ((double)_length + moments.Count)), mean = 0;
            for (int i = 0; i < _length; i++) mean += covariance[(i * _length) + i] / _length;
            for (int k = 0; k < _length; k++)
            {
                for (int i = 0; i < _length; i++)
                {
                    int at = (k * _length) + i;
                    if (i == k) covariance[at] += (LeastShrinkage * mean) + double.Epsilon;
                    else covariance[at] *= 1 - shrinkage;
                }
            }

            // Inputs that count most are rounded first, while all others can still make up for them.
            _order = new int[_length];
            double[] powers = new double[_length];
            for (int i = 0; i < _length; i++) (_order[i], powers[i]) = (i, covariance[(i * _length) + i]);
            Array.Sort(powers, _order);
            _lower = new double[covariance.Length];
            for (int k = 0; k < _length; k++)
            {
                for (int i = 0; i <= k; i++) _lower[(k * _length) + i] = covariance[(_order[k] * _length) + _order[i]];
            }

            Factor(cancellation);
            _ahead = new double[_lower.Length];
            for (int i = 0; i < _length; i++)
            {
                double own = _lower[(i * _length) + i];
                for (int j = i + 1; j < _length; j++) _ahead[(i * _length) + j] = _lower[(j * _length) + i] / own;
            }
        }

        /// <summary>Numbers of a grid in place of weights, from the last in the order to the first.</summary>
        public void Round(double[] w, float scale)
        {
            double[] errors = new double[_length];
            for (int k = _length - 1; k >= 0; k--)
            {
                double own = w[_order[k]], wanted = own + Dot(_ahead.AsSpan((k * _length) + k + 1, _length - k - 1), errors.AsSpan(k + 1));
                double rounded = (double)scale * WeightRounding.Steps(wanted, scale);
                errors[k] = own - rounded;
                w[_order[k]] = rounded;
            }
        }

        /// <summary>Cholesky's factor in place, column after column.</summary>
        private void Factor(CancellationToken cancellation)
        {
            for (int k = 0; k < _length; k++)
            {
                int row = k * _length;
                double own = Math.Sqrt(Math.Max(_lower[row + k] - Dot(_lower.AsSpan(row, k), _lower.AsSpan(row, k)), double.Epsilon));
                _lower[row + k] = own;
                for (int j = k + 1; j < _length; j++)
                {
                    int other = j * _length;
                    _lower[other + k] = (_lower[other + k] - Dot(_lower.AsSpan(other, k), _lower.AsSpan(row, k))) / own;
                }

                if (k % 64 == 0) cancellation.ThrowIfCancellationRequested();
            }
        }

        private static double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
        {
            Vector<double> sums = Vector<double>.Zero, more = Vector<double>.Zero;
            int i = 0, length = Vector<double>.Count;
            for (; i <= a.Length - (2 * length); i += 2 * length)
            {
                sums += new Vector<double>(a[i..]) * new Vector<double>(b[i..]);
                more += new Vector<double>(a[(i + length)..]) * new Vector<double>(b[(i + length)..]);
            }

            double sum = Vector.Sum(sums + more);
            for (; i < a.Length; i++) sum += a[i] * b[i];
            return sum;
        }
    }
}
