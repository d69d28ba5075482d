using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

internal sealed partial class MovingAverage
{
    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) =>
        new Kernel((MovingAverageAttributes)node.Attributes, node.Output.Shape.ElementCount);

    private sealed unsafe class Kernel(MovingAverageAttributes a, int count) : ElementwiseKernel(count)
    {
        private float* _value;

        public override string Name => ElementwiseLoop.KernelName("movingaverage");

        public override void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads)
        {
            base.Bind(inputs, outputs, workspace, threads);
            _value = (float*)inputs[1];
        }

        protected override void RunElements(int begin, int count) =>
            ElementwiseLoop.Binary(new WeightedSumMap(1 - a.Momentum, a.Momentum * a.Factor), X + begin, _value + begin, Y + begin, count);
    }
}
