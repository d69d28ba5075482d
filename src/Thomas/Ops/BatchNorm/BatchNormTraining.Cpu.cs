using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class BatchNormTraining
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>
    /// Moments of bands; then those of the channels, and with them factor[c] and offset[c]; then y = f(factor[c] * (x - mean[c]) + offset[c]).
    /// </summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _epsilon;
        private readonly int _rows;
        private readonly int _channels;
        private readonly RowBands _bands;
        private readonly float _lower;
        private readonly float _upper;
        private float* _x;
        private float* _scale;
        private float* _shift;
        private float* _y;
        private float* _mean;
        private float* _variance;
        private float* _means;
        private float* _squares;
        private float* _factor;
        private KeptCopy _kept;
        private float* _offset;

        public Kernel(Node node)
        {
            BatchNormTrainingAttributes attributes = (BatchNormTrainingAttributes)node.Attributes;
            _epsilon = attributes.Epsilon;
            (_lower, _upper) = (attributes.Activation.Function.Lower, attributes.Activation.Function.Upper);
            _channels = node.Output.Shape[-1];
            _rows = node.Output.Shape.ElementCount / _channels;
            _bands = new RowBands(_rows, _channels);
        }

        public override string Name => ElementwiseLoop.KernelName("batchnormtraining");

        public override int Phases => 3;

        public override long WorkspaceBytes(int threads) => 2L * (_bands.Bands + 1) * _channels * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _scale = (float*)inputs[1];
            _shift = (float*)inputs[2];
            _y = (float*)outputs[0];
            _mean = (float*)outputs[1];
            _variance = (float*)outputs[2];
            _means = (float*)workspace;
            _squares = _means + ((nint)_bands.Bands * _channels);
            _factor = _squares + ((nint)_bands.Bands * _channels);
            _offset = _factor + _channels;
        }

        public override bool TryKeep(KeptCopy copy)
        {
            _kept = copy;
            return true;
        }

        public override int Items(int phase) => phase == 1 ? _bands.Blocks : _bands.Count;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 1)
            {
                for (int block = begin; block < end; block++) FinishChannels(block * _bands.BlockColumns, _bands.ColumnsOf(block));
                return;
            }

            for (int item = begin; item < end; item++)
            {
                // The last phase goes backward: what the first read last is still in the caches.
                ColumnTile tile = _bands[phase == 0 ? item : begin + end - 1 - item];
                nint first = ((nint)tile.Row * _channels) + tile.Column, band = ((nint)tile.RowTile * _channels) + tile.Column;
                if (phase == 0) BatchMoments.OfBand(_x + first, _channels, tile.Rows, tile.Columns, _means + band, _squares + band);
                else
                {
                    int rows = _kept.PieceRows(tile.Rows, tile.Columns);
                    for (int row = 0; row < tile.Rows; row += rows)
                    {
                        nint at = first + ((nint)row * _channels);
                        int count = Math.Min(rows, tile.Rows - row);
                        ChannelAffine.Apply(
                            _x + at, _y + at, _channels, count, tile.Columns, _mean + tile.Column, _factor + tile.Column, _offset + tile.Column, _lower, _upper,
                            _kept.Exists ? 0 : (long)_rows * _channels * sizeof(float));
                        _kept.Take(_y + at, _channels, count, tile.Columns);
                    }
                }
            }
        }

        private void FinishChannels(int first, int count)
        {
            double* mean = stackalloc double[RowBands.Width], variance = stackalloc double[RowBands.Width];
            BatchMoments.Join(_means + first, _squares + first, _channels, _bands, _rows, count, mean, variance);
            for (int i = 0; i < count; i++)
            {
                int c = first + i;
                double factor = _scale[c] / Math.Sqrt(variance[i] + _epsilon);
                _mean[c] = (float)mean[i];
                _variance[c] = (float)variance[i];
                _factor[c] = (float)factor;

                // The mean that is subtracted is the rounded one.
                _offset[c] = (float)(_shift[c] + ((_mean[c] - mean[i]) * factor));
            }
        }
    }
}
