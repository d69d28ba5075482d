using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Copy;
using Thomas.Kernels.Depthwise;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2dGradient
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context)
    {
        DepthwiseConv2dGradientAttributes a = (DepthwiseConv2dGradientAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape;
        return new Kernel(new DepthwiseJointGradient(a.Window.ToGeometry(x, node.Inputs[1].Shape, x[3]), a.InputActivation), node.Inputs[0].Type.DType, a.X);
    }

    private sealed unsafe class Kernel(DepthwiseJointGradient gradient, DType type, StepGrid? grid) : CpuKernel
    {
        private float* _x;
        private float* _dy;
        private float* _filter;
        private float* _dx;
        private float* _dw;
        private float* _db;
        private float* _partial;
        private KeptFloats _kept;
        private byte* _widened;

        public override string Name => gradient.KernelName;

        public override int Phases => 2;

        private long WidenedBytes => (long)gradient.WidenedFloats * sizeof(float);

        private long PartialBytes => (((long)gradient.PartialFloats * sizeof(float)) + 63) & ~63L;

        public override bool ReadsFloats(int input) => input != 0 || !KeptOperand.IsKept(type);

        public override long WorkspaceBytes(int threads) =>
            KeptOperand.IsKept(type) ? PartialBytes + (WidenedBytes * threads) : (long)gradient.PartialFloats * sizeof(float);

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            _x = (float*)inputs[0];
            _dy = (float*)inputs[1];
            _filter = (float*)inputs[2];
            _dx = (float*)outputs[0];
            _dw = (float*)outputs[1];
            _db = outputs.Length > 2 ? (float*)outputs[2] : null;
            _partial = (float*)workspace;
            if (!KeptOperand.IsKept(type)) return;
            _kept = KeptOperand.Of(type, grid, inputs[0]);
            _widened = workspace + PartialBytes;
        }

        public override int Items(int phase) => phase == 0 ? gradient.Items : gradient.SumItems;

        public override void Run(int phase, int begin, int end, int thread)
        {
            if (phase == 0)
            {
                gradient.RunItems(_x, _kept, (float*)(_widened + (WidenedBytes * thread)), _dy, _filter, _dx, _dw, _db, _partial, begin, end);
            }
            else gradient.Sum(_dw, _db, _partial, begin, end);
        }
    }
}
