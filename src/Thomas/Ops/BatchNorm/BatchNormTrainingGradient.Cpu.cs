using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class BatchNormTrainingGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>
    /// The factors; sums of bands; those of the channels, and with them dx = factorX[c] * (x - mean[c]) + factorG[c] * g + offset[c], g what the activation
    /// lets through of dy; then dx.
    /// </summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _epsilon;
        private readonly int _rows;
        private readonly int _channels;
        private readonly RowBands _bands;
        private readonly bool _clips;
        private readonly float _lower;
        private readonly float _upper;
        private float* _x;
        private float* _dy;
        private float* _scale;
        private float* _mean;
        private float* _variance;
        private float* _shift;
        private float* _dx;
        private float* _dScale;
        private float* _dShift;
        private float* _sums;
        private float* _products;
        private float* _factorG;
        private float* _factorX;
        private float* _offset;

        public Kernel(Node node)
        {
            BatchNormTrainingAttributes attributes = (BatchNormTrainingAttributes)node.Attributes;
            _epsilon = attributes.Epsilon;
            _clips = attributes.Activation.Kind != ActivationKind.None;
            (_lower, _upper) = (attributes.Activation.Function.Lower, attributes.Activation.Function.Upper);
            _channels = node.Output.Shape[-1];
            _rows = node.Output.Shape.ElementCount / _channels;
            _bands = new RowBands(_rows, _channels);
        }

        public override string Name => ElementwiseLoop.KernelName("batchnormgradient");

        public override int Phases => 4;

        public override long WorkspaceBytes(int threads) => ((2L * _bands.Bands) + 3) * _channels * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _dy = (float*)inputs[1];
            _scale = (float*)inputs[2];
            _mean = (float*)inputs[3];
            _variance = (float*)inputs[4];
            _shift = _clips ? (float*)inputs[5] : null;
            _dx = (float*)outputs[0];
            _dScale = (float*)outputs[1];
            _dShift = (float*)outputs[2];
            _sums = (float*)workspace;
            _products = _sums + ((nint)_bands.Bands * _channels);
            _factorG = _products + ((nint)_bands.Bands * _channels);
            _factorX = _factorG + _channels;
            _offset = _factorX + _channels;
        }

        public override int Items(int phase) => phase == 0 ? 1 : phase == 2 ? _bands.Blocks : _bands.Count;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0)
            {
                for (int c = 0; c < _channels; c++) _factorG[c] = (float)(_scale[c] / Math.Sqrt(_variance[c] + _epsilon));
                return;
            }

            if (phase == 2)
            {
                for (int block = begin; block < end; block++) FinishChannels(block * _bands.BlockColumns, _bands.ColumnsOf(block));
                return;
            }

            ClipMask clip = _clips ? new ClipMask(_factorG, _shift, _lower, _upper) : default;
            for (int item = begin; item < end; item++)
            {
                // The last phase goes backward: what the one before read last is still in the caches.
                ColumnTile tile = _bands[phase == 1 ? item : begin + end - 1 - item];
                int c = tile.Column;
                nint first = ((nint)tile.Row * _channels) + c, band = ((nint)tile.RowTile * _channels) + c;
                if (phase == 1)
                {
                    BatchGradientSums.OfBand(
                        _x + first, _dy + first, _channels, tile.Rows, tile.Columns, _mean + c, clip.From(c), _sums + band, _products + band);
                }
                else
                {
                    ChannelAffine.Apply(
                        _x + first, _dy + first, _dx + first, _channels, tile.Rows, tile.Columns, _mean + c, _factorX + c, _factorG + c, _offset + c,
                        clip.From(c));
                }
            }
        }

        private void FinishChannels(int first, int count)
        {
            double* sums = stackalloc double[RowBands.Width], products = stackalloc double[RowBands.Width];
            BatchGradientSums.Join(_sums + first, _channels, _bands.Bands, count, sums);
            BatchGradientSums.Join(_products + first, _channels, _bands.Bands, count, products);
            for (int i = 0; i < count; i++)
            {
                int c = first + i;
                double r = 1 / Math.Sqrt(_variance[c] + _epsilon), factor = _scale[c] * r;
                _dShift[c] = (float)sums[i];
                _dScale[c] = (float)(products[i] * r);
                _factorX[c] = (float)(-factor * r * r * products[i] / _rows);
                _offset[c] = (float)(-factor * sums[i] / _rows);
            }
        }
    }
}
