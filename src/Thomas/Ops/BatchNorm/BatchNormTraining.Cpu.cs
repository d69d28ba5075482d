using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

public sealed partial class BatchNormTraining
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>Moments of tiles; then those of the channels, and with them y = factor[c] * (x - mean[c]) + offset[c]; then y.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _epsilon;
        private readonly int _rows;
        private readonly int _channels;
        private readonly ColumnTiles _tiles;
        private float* _x;
        private float* _scale;
        private float* _shift;
        private float* _y;
        private float* _mean;
        private float* _variance;
        private float* _means;
        private float* _squares;
        private float* _factor;
        private float* _offset;

        public Kernel(Node node)
        {
            _epsilon = ((BatchNormAttributes)node.Attributes).Epsilon;
            _channels = node.Output.Shape[-1];
            _rows = node.Output.Shape.ElementCount / _channels;
            _tiles = new ColumnTiles(_rows, _channels, BatchMoments.TileRows);
        }

        public override string Name => ElementwiseLoop.KernelName("batchnormtraining");

        public override int Phases => 3;

        public override long WorkspaceBytes(int threads) => 2L * (_tiles.Bands + 1) * _channels * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _scale = (float*)inputs[1];
            _shift = (float*)inputs[2];
            _y = (float*)outputs[0];
            _mean = (float*)outputs[1];
            _variance = (float*)outputs[2];
            _means = (float*)workspace;
            _squares = _means + ((nint)_tiles.Bands * _channels);
            _factor = _squares + ((nint)_tiles.Bands * _channels);
            _offset = _factor + _channels;
        }

        public override int Items(int phase) => phase == 1 ? _tiles.Blocks : _tiles.Count;

        public override void Run(int phase, int begin, int end, int thread)
        {
            for (int item = begin; item < end; item++)
            {
                ColumnTile tile = _tiles[item];
                nint first = ((nint)tile.Row * _channels) + tile.Column, band = ((nint)tile.RowTile * _channels) + tile.Column;
                switch (phase)
                {
                    case 0: BatchMoments.OfTile(_x + first, _channels, tile.Rows, tile.Columns, _means + band, _squares + band); break;
                    case 1: FinishChannels(tile.Column, tile.Columns); break;
                    default:
                        ChannelAffine.Apply(
                            _x + first, _y + first, _channels, tile.Rows, tile.Columns, _mean + tile.Column, _factor + tile.Column, _offset + tile.Column);
                        break;
                }
            }
        }

        private void FinishChannels(int first, int count)
        {
            double* mean = stackalloc double[ColumnTiles.Width], variance = stackalloc double[ColumnTiles.Width];
            BatchMoments.Join(_means + first, _squares + first, _channels, _tiles, _rows, count, mean, variance);
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
