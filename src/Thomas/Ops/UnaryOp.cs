using System;
using System.Numerics;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>An element-wise function of one tensor without parameters.</summary>
internal abstract partial class UnaryOp : Op
{
    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        return [inputs[0]];
    }

    internal override bool CanOverwrite(Node node, int input) => input == 0;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = Apply(x[i]);
    }

    internal override CpuKernel CreateCpuKernel(Node node, CpuKernelContext context) => new Kernel(this, node.Output.Shape.ElementCount);

    /// <summary>y[i] = f(x[i]) for i in [0, count), on vectors; y may be x.</summary>
    internal abstract unsafe void Map(float* x, float* y, nint count);

    /// <summary>The definition in OpenCL C, of <c>(x)</c>.</summary>
    internal abstract string OpenClExpression { get; }

    /// <summary>The scalar definition.</summary>
    internal abstract T Apply<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>;

    private sealed unsafe class Kernel(UnaryOp op, int count) : ElementwiseKernel(count)
    {
        public override string Name => ElementwiseLoop.KernelName(op.Name.ToLowerInvariant());

        protected override void RunElements(int begin, int count) => op.Map(X + begin, Y + begin, count);
    }
}
