using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Reduce;

namespace Thomas.Ops;

internal sealed partial class ActivateBiasGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((ActivateAttributes)node.Attributes, node.Output.Shape, node.Inputs[1].Type.DType);

    private sealed unsafe class Kernel(ActivateAttributes a, Shape shape, DType saved) : CpuKernel
    {
        private readonly ActivationFunction _function = a.Activation.Function;
        private readonly MapColumnSums _sums = new(shape.ElementCount / shape[-1], shape[-1]);
        private float* _dy;
        private float* _saved;
        private float* _dx;
        private float* _db;
        private float* _bands;
        private KeptFloats _kept;
        private byte* _widened;

        private long WidenedBytes => (long)_sums.WidenedFloats * sizeof(float);

        public override string Name => ElementwiseLoop.KernelName($"{a.Activation.Kind.ToString().ToLowerInvariant()}biasgradient");

        public override int Phases => 2;

        public override bool ReadsFloats(int input) => input != 1 || !KeptOperand.IsKept(saved);

        public override long WorkspaceBytes(int threads) => _sums.WorkspaceBytes + (KeptOperand.IsKept(saved) ? WidenedBytes * threads : 0);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _dy = (float*)inputs[0];
            _saved = (float*)inputs[1];
            _dx = (float*)outputs[0];
            _db = (float*)outputs[1];
            _bands = (float*)workspace;
            if (!KeptOperand.IsKept(saved)) return;
            _kept = KeptOperand.Of(saved, a.Saved, inputs[1]);
            _widened = workspace + _sums.WorkspaceBytes;
        }

        public override int Items(int phase) => _sums.Items(phase);

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 1) _sums.Sum(_bands, _db, begin, end);
            else _function.ApplyGradient(_sums, _dy, _saved, _kept, _dx, _db, _bands, (float*)(_widened + (WidenedBytes * thread)), begin, end);
        }
    }
}
