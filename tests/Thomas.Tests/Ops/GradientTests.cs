using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class GradientTests
{
    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_has_a_gradient_that_central_differences_confirm_or_says_why_not(string name)
    {
        OpCase[] cases = [.. OpCases.All().Where(test => test.Op.Name == name)];
        Expect.True(cases.Length > 0, $"{name} has no case in the sweep");
        if (cases[0].Op.NoGradientReason is not string reason)
        {
            // Of steps there are no differences: their gradients are those of the real numbers that they stand for (Int8TrainingTests).
            if (cases[0].Op is Quantize or RoundWeights or RoundBias) return;
            foreach (OpCase test in cases.Where(test => test.Types.Length == 0 && HasGradient(test))) GradientCheck.Check(test);
            return;
        }

        // Variables are real numbers: none can be an operand here.
        Assert.False(string.IsNullOrWhiteSpace(reason));
        if (cases[0].Types.Length > 0) return;
        Variable[] operands = GradientCheck.Operands(cases[0]);
        GraphException refusal = Assert.Throws<GraphException>(
            () => Differentiate.Run(GradientCheck.Loss(cases[0], operands), operands, static (_, _, gradient) => [gradient]));
        Assert.Contains($"{name} '{name}' cannot be trained through: {reason}", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_fused_activation_whose_argument_is_gone_is_refused()
    {
        Activation[] refused = [.. ActivationSamples.All.Where(activation => !activation.GradientReadsOutput)];
        Assert.NotEmpty(refused);
        foreach (Activation activation in refused)
        {
            OpCase test = new(OpCatalog.Dense, new DenseAttributes(Activation: activation), [new Shape(2, 3), new Shape(4, 3)]);
            Variable[] operands = GradientCheck.Operands(test);
            GraphException refusal = Assert.Throws<GraphException>(
                () => Differentiate.Run(GradientCheck.Loss(test, operands), operands, static (_, _, gradient) => [gradient]));
            Assert.Contains("must be a separate node", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Stored_statistics_cannot_be_trained()
    {
        OpCase test = new(OpCatalog.BatchNorm, new BatchNormAttributes(1e-3f), [new Shape(4, 3), new Shape(3), new Shape(3), new Shape(3), new Shape(3)]);
        Variable[] operands = GradientCheck.Operands(test);
        foreach (Variable statistic in operands[3..])
        {
            GraphException refusal = Assert.Throws<GraphException>(
                () => Differentiate.Run(GradientCheck.Loss(test, operands), [statistic], static (_, _, gradient) => [gradient]));
            Assert.Contains("stored statistics", refusal.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Equal_operands_of_a_maximum_or_minimum_share_the_gradient()
    {
        foreach (Op op in (Op[])[OpCatalog.Maximum, OpCatalog.Minimum])
        {
            bool larger = op == OpCatalog.Maximum;
            double[][] gradients = GradientOfSum(op, NoAttributes.Instance, new Shape(3), [1, 2, 3], new Shape(3), [2, 2, 2]);
            Assert.Equal(larger ? [0, 0.5, 1] : [1, 0.5, 0], gradients[0]);
            Assert.Equal(larger ? [1, 0.5, 0] : [0, 0.5, 1], gradients[1]);
        }
    }

    [Fact]
    public void Kinks_have_the_slopes_of_PyTorch()
    {
        Assert.Equal([-1, 0, 1], GradientOfSum(OpCatalog.Abs, NoAttributes.Instance, new Shape(3), [-2, 0, 2])[0]);
        Assert.Equal([0.25, 0.25, 1], GradientOfSum(OpCatalog.PRelu, NoAttributes.Instance, new Shape(3), [-2, 0, 2], new Shape(1), [0.25])[0]);
        Assert.Equal([-2], GradientOfSum(OpCatalog.PRelu, NoAttributes.Instance, new Shape(3), [-2, 0, 2], new Shape(1), [0.25])[1]);
    }

    [Fact]
    public void The_first_maximum_gets_the_gradient()
    {
        MaxPool2dAttributes pool = new(new Window2d(2, 2, 1, 1, 1, 1, default));
        Assert.Equal([0, 2, 0, 0, 0, 0], GradientOfSum(OpCatalog.MaxPool2d, pool, new Shape(1, 2, 3, 1), [1, 5, 5, 5, 5, 5])[0]);
        ReduceAttributes rows = new(ReduceKind.Max, new IntList(1), KeepDims: false);
        Assert.Equal([0, 1, 0, 1, 0, 0], GradientOfSum(OpCatalog.Reduce, rows, new Shape(2, 3), [1, 5, 5, 7, 7, 7])[0]);
        ReduceAttributes apart = new(ReduceKind.Max, new IntList(0, 2), KeepDims: false);
        Assert.Equal([0, 1, 1, 0, 0, 0, 0, 0], GradientOfSum(OpCatalog.Reduce, apart, new Shape(2, 2, 2), [3, 4, 2, 2, 4, 1, 2, 2])[0]);
    }

    [Fact]
    public void Rounding_passes_the_gradient_straight_through()
    {
        Assert.Equal([1, 1, 1], GradientOfSum(OpCatalog.Round, NoAttributes.Instance, new Shape(3), [-0.5, 0.3, 1.5])[0]);

        // A grid of 0, 0.5, 1 and 1.5: what lies within half a step of it is rounded, the rest is clamped.
        FakeQuantizeAttributes grid = new(new Quantization([0.5f], [0]), 0, 3);
        Assert.Equal([0, 1, 1, 1, 1, 0], GradientOfSum(OpCatalog.FakeQuantize, grid, new Shape(6), [-0.26, -0.24, 0, 0.8, 1.74, 1.76])[0]);
        FakeQuantizeAttributes channels = new(new Quantization([0.5f, 1], [0, 1]), 0, 3);
        Assert.Equal([0, 0, 1, 1, 0, 1], GradientOfSum(OpCatalog.FakeQuantize, channels, new Shape(3, 2), [-0.26, -1.51, 1.74, -1.49, 1.76, 2.49])[0]);
    }

    private static bool HasGradient(OpCase test) => test.Attributes switch
    {
        Conv2dAttributes a => HasGradient(a.Activation),
        DepthwiseConv2dAttributes a => HasGradient(a.Activation),
        DenseAttributes a => HasGradient(a.Activation),
        AveragePool2dAttributes a => HasGradient(a.Activation),
        _ => true,
    };

    private static bool HasGradient(Activation fused) => fused.Kind == ActivationKind.None || fused.GradientReadsOutput;

    /// <summary>The gradients of the sum of a node's result.</summary>
    private static double[][] GradientOfSum(Op op, OpAttributes attributes, Shape shapeA, double[] a, Shape? shapeB = null, double[]? b = null)
    {
        GraphBuilder builder = new();
        List<Variable> operands = [new Variable("a", shapeA, VariableKind.Weight)];
        if (shapeB is Shape second) operands.Add(new Variable("b", second, VariableKind.Weight));
        Value y = builder.Add(op, [.. operands.Select(builder.Variable)], attributes);
        Graph loss = builder.Build(
            builder.Add(OpCatalog.Reduce, [y], new ReduceAttributes(ReduceKind.Sum, Permutation.Identity(y.Shape.Rank), KeepDims: false)));
        double[][] values = b is null ? [a] : [a, b];
        Dictionary<Variable, double[]> gradients = GradientCheck.Gradients(loss, operands, values, operands);
        return [.. operands.Select(operand => gradients[operand])];
    }
}
