using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>Settings of a fully connected layer.</summary>
/// <param name="HasBias">Whether a bias [o] is the last operand.</param>
/// <param name="Activation">Applied to the sum.</param>
internal sealed record DenseAttributes(bool HasBias = false, Activation Activation = default) : OpAttributes;

/// <summary>Fully connected layer. Operands: x [n,k], weights [o,k], bias [o] if any.</summary>
internal sealed partial class Dense : Op
{
    /// <inheritdoc/>
    public override string Name => "Dense";

    /// <inheritdoc/>
    public override string Formula => "y[n,o] = f(sum_k x[n,k] * weights[o,k] + bias[o])";

    internal override ElementTypes OperandTypes(int operand, OpAttributes attributes) => operand is 1 or 2 ? ElementTypes.Floats : ElementTypes.F32;

    internal override TensorType[] InferTypes(ReadOnlySpan<TensorType> inputs, OpAttributes attributes)
    {
        DenseAttributes a = (DenseAttributes)attributes;
        RequireInputs(inputs, 2 + (a.HasBias ? 1 : 0));
        ActivationRules.Check(a.Activation);
        Shape x = inputs[0].Shape, weights = inputs[1].Shape;
        Require(x.Rank == 2 && weights.Rank == 2 && x[1] == weights[1], $"x {x} and weights {weights} (OI) do not fit");
        if (a.HasBias) Require(inputs[2].Shape.Rank == 1 && inputs[2].Shape[0] == weights[0], $"bias {inputs[2].Shape} does not fit {weights[0]} outputs");
        return [new TensorType(DType.F32, new Shape(x[0], weights[0]))];
    }

    internal override long MultiplyAdds(Node node) => node.Output.Shape.ElementCount * (long)node.Inputs[1].Shape[1];

    internal override void Reference<T>(ReferenceArgs<T> args)
    {
        DenseAttributes a = args.Attributes<DenseAttributes>();
        ActivationFunction activation = a.Activation.Function;
        int k = args.Inputs[0].Shape[1], outputs = args.Output.Shape[1];
        for (int n = 0; n < args.Output.Shape[0]; n++)
            for (int o = 0; o < outputs; o++)
            {
                double sum = a.HasBias ? double.CreateTruncating(args.Inputs[2].Span[o]) : 0;
                ReadOnlySpan<T> x = args.Inputs[0].Span.Slice(n * k, k), weights = args.Inputs[1].Span.Slice(o * k, k);
                for (int i = 0; i < x.Length; i++) sum += double.CreateTruncating(x[i]) * double.CreateTruncating(weights[i]);
                args.Output.Span[(n * outputs) + o] = activation.Value(T.CreateTruncating(sum));
            }
    }
}
