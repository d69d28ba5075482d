using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Normalization;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

public sealed partial class BatchNormTrainingGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>Sums of tiles; then those of the channels, and with them dx = factorX[c] * (x - mean[c]) + factorDy[c] * dy + offset[c]; then dx.</summary>
    private sealed unsafe class Kernel : CpuKernel
    {
        private readonly double _epsilon;
        private readonly int _rows;
        private readonly int _channels;
        private readonly ColumnTiles _tiles;
        private float* _x;
        private float* _dy;
        private float* _scale;
        private float* _mean;
        private float* _variance;
        private float* _dx;
        private float* _dScale;
        private float* _dShift;
        private float* _sums;
        private float* _products;
        private float* _factorDy;
        private float* _factorX;
        private float* _offset;

        public Kernel(Node node)
        {
            _epsilon = ((BatchNormAttributes)node.Attributes).Epsilon;
            _channels = node.Output.Shape[-1];
            _rows = node.Output.Shape.ElementCount / _channels;
            _tiles = new ColumnTiles(_rows, _channels, BatchMoments.TileRows);
        }

        public override string Name => ElementwiseLoop.KernelName("batchnormgradient");

        public override int Phases => 3;

        public override long WorkspaceBytes(int threads) => ((2L * _tiles.Bands) + 3) * _channels * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _dy = (float*)inputs[1];
            _scale = (float*)inputs[2];
            _mean = (float*)inputs[3];
            _variance = (float*)inputs[4];
            _dx = (float*)outputs[0];
            _dScale = (float*)outputs[1];
            _dShift = (float*)outputs[2];
            _sums = (float*)workspace;
            _products = _sums + ((nint)_tiles.Bands * _channels);
            _factorDy = _products + ((nint)_tiles.Bands * _channels);
            _factorX = _factorDy + _channels;
            _offset = _factorX + _channels;
        }

        public override int Items(int phase) => phase == 1 ? _tiles.Blocks : _tiles.Count;

        public override void Run(int phase, int begin, int end, int thread)
        {
            for (int item = begin; item < end; item++)
            {
                ColumnTile tile = _tiles[item];
                int c = tile.Column;
                nint first = ((nint)tile.Row * _channels) + c, band = ((nint)tile.RowTile * _channels) + c;
                switch (phase)
                {
                    case 0:
                        BatchGradientSums.OfTile(_x + first, _dy + first, _channels, tile.Rows, tile.Columns, _mean + c, _sums + band, _products + band);
                        break;
                    case 1:
                        for (int i = 0; i < tile.Columns; i++) FinishChannel(c + i);
                        break;
                    default:
                        ChannelAffine.Apply(
                            _x + first, _dy + first, _dx + first, _channels, tile.Rows, tile.Columns, _mean + c, _factorX + c, _factorDy + c, _offset + c);
                        break;
                }
            }
        }

        private void FinishChannel(int c)
        {
            double sum = 0, product = 0;
            for (int band = 0; band < _tiles.Bands; band++)
            {
                sum += _sums[((nint)band * _channels) + c];
                product += _products[((nint)band * _channels) + c];
            }

            double r = 1 / Math.Sqrt(_variance[c] + _epsilon), factor = _scale[c] * r;
            _dShift[c] = (float)sum;
            _dScale[c] = (float)(product * r);
            _factorDy[c] = (float)factor;
            _factorX[c] = (float)(-factor * r * r * product / _rows);
            _offset[c] = (float)(-factor * sum / _rows);
        }
    }
}
