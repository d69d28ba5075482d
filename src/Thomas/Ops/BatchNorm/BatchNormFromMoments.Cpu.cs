using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class BatchNormFromMoments
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>factor[c] and offset[c]; then y = f(factor[c] * (x - mean[c]) + offset[c]).</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _epsilon;
        private readonly int _channels;
        private readonly long _bytes;
        private readonly RowBands _bands;
        private readonly float _lower;
        private readonly float _upper;
        private float* _x;
        private float* _scale;
        private float* _shift;
        private float* _mean;
        private float* _variance;
        private float* _rest;
        private float* _y;
        private float* _factor;
        private KeptCopy _kept;
        private float* _offset;

        public Kernel(Node node)
        {
            BatchNormTrainingAttributes attributes = (BatchNormTrainingAttributes)node.Attributes;
            _epsilon = attributes.Epsilon;
            (_lower, _upper) = (attributes.Activation.Function.Lower, attributes.Activation.Function.Upper);
            Shape shape = node.Output.Shape;
            _channels = shape[-1];
            _bytes = node.Output.Type.SizeBytes;
            _bands = new RowBands(shape.ElementCount / _channels, _channels);
        }

        public override string Name => ElementwiseLoop.KernelName("batchnormfrommoments");

        public override int Phases => 2;

        public override long WorkspaceBytes(int threads) => 2L * _channels * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _scale = (float*)inputs[1];
            _shift = (float*)inputs[2];
            _mean = (float*)inputs[3];
            _variance = (float*)inputs[4];
            _rest = (float*)inputs[5];
            _y = (float*)outputs[0];
            _factor = (float*)workspace;
            _offset = _factor + _channels;
        }

        public override bool TryKeep(KeptCopy copy)
        {
            _kept = copy;
            return true;
        }

        public override int Items(int phase) => phase == 0 ? 1 : _bands.Count;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0)
            {
                for (int c = 0; c < _channels; c++)
                {
                    double factor = _scale[c] / Math.Sqrt(_variance[c] + _epsilon);
                    _factor[c] = (float)factor;
                    _offset[c] = (float)(_shift[c] - (_rest[c] * factor));
                }

                return;
            }

            // Backward: what the convolution wrote last is still in the caches.
            for (int item = end - 1; item >= begin; item--)
            {
                ColumnTile tile = _bands[item];
                nint first = ((nint)tile.Row * _channels) + tile.Column;
                int rows = _kept.PieceRows(tile.Rows, tile.Columns);
                for (int row = 0; row < tile.Rows; row += rows)
                {
                    nint at = first + ((nint)row * _channels);
                    int count = Math.Min(rows, tile.Rows - row);
                    ChannelAffine.Apply(
                        _x + at, _y + at, _channels, count, tile.Columns, _mean + tile.Column, _factor + tile.Column, _offset + tile.Column, _lower, _upper,
                        _kept.Exists ? 0 : _bytes);
                    _kept.Take(_y + at, _channels, count, tile.Columns);
                }
            }
        }
    }
}
