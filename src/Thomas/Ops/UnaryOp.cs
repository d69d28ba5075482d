using System;
using System.Numerics;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>An element-wise function of one tensor without parameters.</summary>
public abstract partial class UnaryOp : Op
{
    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        RequireInputs(inputs, 1);
        return [inputs[0]];
    }

    internal override int InPlaceInput(Node node) => 0;

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        ReadOnlySpan<T> x = args.Inputs[0].Span;
        Span<T> y = args.Output.Span;
        for (int i = 0; i < y.Length; i++) y[i] = Apply(x[i]);
    }

    /// <summary>The scalar definition.</summary>
    internal abstract T Apply<T>(T x)
        where T : IBinaryFloatingPointIeee754<T>;
}
