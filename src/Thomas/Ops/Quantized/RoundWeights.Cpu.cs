using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

internal sealed unsafe partial class RoundWeights
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    /// <summary>Channels are independent of each other; those that lie element by element are done in blocks.</summary>
    private sealed class Kernel : CpuKernel
    {
        private const int Block = 64, LeastElements = 1 << 12;

        private readonly RoundWeightsAttributes _attributes;
        private readonly int _channels;
        private readonly int _outer;
        private readonly int _inner;
        private readonly int _perItem;
        private float* _w;
        private byte* _y;
        private float* _scales;

        public Kernel(Node node)
        {
            _attributes = (RoundWeightsAttributes)node.Attributes;
            _channels = _attributes.Grid.Scales.Length;
            (_outer, _inner) = _attributes.Layout(node.Output.Shape);
            _perItem = _inner == 1 ? Block : Math.Max(1, LeastElements / Math.Max(1, _outer * _inner));
        }

        public override string Name => _attributes.AsSteps ? "i8_roundweights" : "f32_roundweights";

        public override bool WritesFloats => !_attributes.AsSteps;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _w = (float*)inputs[0];
            _y = (byte*)outputs[0];
            _scales = (float*)outputs[1];
        }

        public override int Items(int phase) => (_channels + _perItem - 1) / _perItem;

        public override void Run(int phase, int begin, int end, int thread)
        {
            for (int item = begin; item < end; item++)
            {
                int first = item * _perItem, last = Math.Min(_channels, first + _perItem);
                if (_inner == 1) RunColumns(first, last);
                else
                {
                    for (int c = first; c < last; c++) RunChannel(c);
                }
            }
        }

        private void RunChannel(int c)
        {
            (float least, float most) = (0, 0);
            for (int o = 0; o < _outer; o++) (least, most) = WeightGrid.Range(_w + At(o, c), _inner, least, most);
            int zero = _attributes.Grid.ZeroPoints[c];
            float scale = _attributes.Range.Scale(_attributes.Grid.Scales[c], zero, least, most);
            _scales[c] = scale;
            for (int o = 0; o < _outer; o++)
            {
                nint at = At(o, c);
                if (_attributes.AsSteps)
                {
                    QuantizeKernel.Divide(_w + at, _y + at, _inner, scale, zero, _attributes.Minimum, _attributes.Maximum);
                }
                else
                {
                    FakeQuantizeKernel.PerTensor(
                        _w + at, (float*)_y + at, _inner, scale, zero, _attributes.Minimum, _attributes.Maximum, byReciprocal: false);
                }
            }
        }

        private nint At(int outer, int channel) => (((nint)outer * _channels) + channel) * _inner;

        private void RunColumns(int first, int last)
        {
            float* least = stackalloc float[Block], most = stackalloc float[Block];
            for (int c = first; c < last; c++) least[c - first] = most[c - first] = 0;
            for (int o = 0; o < _outer; o++)
            {
                float* row = _w + At(o, 0);
                for (int c = first; c < last; c++)
                {
                    least[c - first] = row[c] < least[c - first] ? row[c] : least[c - first];
                    most[c - first] = row[c] > most[c - first] ? row[c] : most[c - first];
                }
            }

            ReadOnlySpan<float> starts = _attributes.Grid.Scales;
            ReadOnlySpan<int> zeros = _attributes.Grid.ZeroPoints;
            for (int c = first; c < last; c++) _scales[c] = _attributes.Range.Scale(starts[c], zeros[c], least[c - first], most[c - first]);
            for (int o = 0; o < _outer; o++)
            {
                nint row = At(o, 0);
                for (int c = first; c < last; c++)
                {
                    int step = _attributes.Range.Step(_w[row + c], _scales[c], zeros[c]);
                    if (_attributes.AsSteps) _y[row + c] = (byte)step;
                    else ((float*)_y)[row + c] = float.IsNaN(_w[row + c]) ? float.NaN : (step - zeros[c]) * _scales[c];
                }
            }
        }
    }
}

internal sealed unsafe partial class RoundBias
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(node);

    private sealed class Kernel(Node node) : CpuKernel
    {
        private readonly RoundBiasAttributes _attributes = (RoundBiasAttributes)node.Attributes;
        private readonly int _count = node.Output.Shape.ElementCount;
        private readonly bool _isOneScale = node.Inputs[1].Shape[0] == 1;
        private float* _b;
        private float* _scales;
        private int* _y;

        public override string Name => _attributes.AsSteps ? "i32_roundbias" : "f32_roundbias";

        public override bool WritesFloats => !_attributes.AsSteps;

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _b = (float*)inputs[0];
            _scales = (float*)inputs[1];
            _y = (int*)outputs[0];
        }

        public override int Items(int phase) => 1;

        public override void Run(int phase, int begin, int end, int thread)
        {
            for (int i = 0; i < _count; i++)
            {
                float scale = _attributes.XScale * _scales[_isOneScale ? 0 : i];
                int steps = Steps(_b[i], scale);
                if (_attributes.AsSteps) _y[i] = steps;
                else ((float*)_y)[i] = float.IsNaN(_b[i]) ? float.NaN : steps * scale;
            }
        }
    }
}
