using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas;

/// <summary>What a graph guarantees about a value, whatever the image: bounds of its elements and their sum.</summary>
/// <param name="Low">No element is smaller.</param>
/// <param name="High">No element is larger.</param>
/// <param name="Sum">What all elements add up to; null where that depends on the image.</param>
/// <param name="IsShared">Whether the elements share one softmax, so that they exclude one another.</param>
/// <param name="IsSquashed">Whether the bounds come from a softmax, a sigmoid, a tanh or their like, and not from a clip or a ReLU.</param>
/// <param name="IsLogarithm">Whether the elements are logarithms of probabilities.</param>
internal readonly record struct ScoreRange(
    double Low, double High, double? Sum = null, bool IsShared = false, bool IsSquashed = false, bool IsLogarithm = false)
{
    // The layers after the last one with weights are few; the limit keeps hostile graphs cheap.
    private const int MaxVisits = 256;
    private const int MaxConstant = 1 << 12;

    /// <summary>Rounding of float32 and of 8-bit grids.</summary>
    private const double Tolerance = 1e-3;

    public static ScoreRange Unbounded { get; } = new(double.NegativeInfinity, double.PositiveInfinity);

    public bool IsBounded => double.IsFinite(Low) && double.IsFinite(High) && High > Low;

    /// <summary>Whether every element is a probability.</summary>
    public bool IsProbability => IsBounded && Low >= -Tolerance && High <= 1 + Tolerance;

    /// <summary>Works back from a value to the layers that bound it.</summary>
    public static ScoreRange Of(Value value)
    {
        int visits = MaxVisits;
        return Of(value, ref visits);
    }

    private static ScoreRange Of(Value value, ref int visits)
    {
        if (value.Constant is TensorData data) return OfConstant(data);
        if (visits-- <= 0 || value.Producer is not Node node) return Unbounded;
        if (ScorePatterns.SoftmaxLogits(node) is not null) return new ScoreRange(0, 1, Rows(value) == 1 ? 1 : null, IsShared: true, IsSquashed: true);
        switch (node.Op)
        {
            case Softmax:
                return ((SoftmaxAttributes)node.Attributes).Logarithm
                    ? new ScoreRange(double.NegativeInfinity, 0, null, IsShared: true, IsSquashed: true, IsLogarithm: true)
                    : new ScoreRange(0, 1, Rows(value) == 1 ? 1 : null, IsShared: true, IsSquashed: true);
            case Activate:
                return Activated(Of(node.Inputs[0], ref visits), ((ActivateAttributes)node.Attributes).Activation);
            case Dense:
                return Activated(Unbounded, ((DenseAttributes)node.Attributes).Activation);
            case Conv2d:
                return Activated(Unbounded, ((Conv2dAttributes)node.Attributes).Activation);
            case Reshape or Transpose:
                return Of(node.Inputs[0], ref visits);
            case FakeQuantize:
                return OnGrid(Of(node.Inputs[0], ref visits), (FakeQuantizeAttributes)node.Attributes);
            case Slice or MaxPool2d:
                return Of(node.Inputs[0], ref visits) with { Sum = null };
            case AveragePool2d or Reduce when node.Op is AveragePool2d || ((ReduceAttributes)node.Attributes).Kind != ReduceKind.Sum:
                return Of(node.Inputs[0], ref visits) with { Sum = null };
            case Concat:
                return Joined(node, ref visits);
            case Negate:
                return Scaled(Of(node.Inputs[0], ref visits), -1, 0, value.Shape.ElementCount);
            case Log:
                ScoreRange inner = Of(node.Inputs[0], ref visits);
                return inner.IsProbability && inner.IsSquashed
                    ? new ScoreRange(double.NegativeInfinity, 0, null, inner.IsShared, IsSquashed: true, IsLogarithm: true)
                    : Unbounded;
            case BinaryOp:
                return Combined(node, Of(node.Inputs[0], ref visits), Of(node.Inputs[1], ref visits));
            default:
                return Unbounded;
        }
    }

    private static int Rows(Value value) => value.Shape.ElementCount / Math.Max(1, value.Shape[-1]);

    private static ScoreRange OfConstant(TensorData data)
    {
        if (data.Type.DType != DType.F32 || data.Type.Shape.ElementCount > MaxConstant) return Unbounded;
        double low = double.PositiveInfinity, high = double.NegativeInfinity, sum = 0;
        foreach (float x in data.Floats)
        {
            (low, high) = (Math.Min(low, x), Math.Max(high, x));
            sum += x;
        }

        return new ScoreRange(low, high, sum);
    }

    /// <summary>A function that clips keeps what is known of its argument; one with two bounds makes scores whatever the argument is.</summary>
    private static ScoreRange Activated(ScoreRange x, Activation activation)
    {
        ActivationFunction function = activation.Function;
        (double low, double high) = function.Range;
        if (function.IsClip) return Clipped(x, low, high);
        return double.IsFinite(low) && double.IsFinite(high) ? new ScoreRange(low, high, IsSquashed: true) : Unbounded;
    }

    /// <summary>A clip of what lies inside it anyway, as in clip(softmax, 1e-7, 1 - 1e-7), changes next to nothing.</summary>
    private static ScoreRange Clipped(ScoreRange x, double low, double high) =>
        x.Low >= low - Tolerance && x.High <= high + Tolerance
        ? x
        : new ScoreRange(Math.Max(x.Low, low), Math.Min(x.High, high), IsShared: x.IsShared, IsSquashed: x.IsSquashed);

    /// <summary>
    /// Rounding keeps the meaning. Steps of 1/256 from 0 on are what TFLite prescribes for softmax and sigmoid, so they are evidence by themselves.
    /// </summary>
    private static ScoreRange OnGrid(ScoreRange x, FakeQuantizeAttributes a)
    {
        if (x.IsSquashed) return x;
        if (!a.Quantization.IsPerTensor) return x;
        double scale = a.Quantization.Scales[0], low = scale * (a.Minimum - a.Quantization.ZeroPoints[0]),
            high = scale * (a.Maximum - a.Quantization.ZeroPoints[0]);
        return low == 0 && Math.Abs(scale - (1.0 / 256)) < 1e-7 && a.Maximum - a.Minimum == 255
            ? new ScoreRange(0, 1, IsSquashed: true)
            : Clipped(x, low, high);
    }

    private static ScoreRange Joined(Node node, ref int visits)
    {
        if (ScorePatterns.TwoClasses(node, out _) is not null) return new ScoreRange(0, 1, 1, IsShared: true, IsSquashed: true);
        ScoreRange all = Of(node.Inputs[0], ref visits);
        for (int i = 1; i < node.Inputs.Count; i++)
        {
            ScoreRange next = Of(node.Inputs[i], ref visits);
            all = new ScoreRange(
                Math.Min(all.Low, next.Low), Math.Max(all.High, next.High), all.Sum + next.Sum, all.IsShared && next.IsShared,
                all.IsSquashed && next.IsSquashed);
        }

        return all;
    }

    private static ScoreRange Scaled(ScoreRange x, double factor, double shift, int count)
    {
        double a = (x.Low * factor) + shift, b = (x.High * factor) + shift;
        return new ScoreRange(Math.Min(a, b), Math.Max(a, b), (x.Sum * factor) + (shift * count), x.IsShared, x.IsSquashed);
    }

    /// <summary>Sums of two values, as in the mean of several models, and products and sums with a constant.</summary>
    private static ScoreRange Combined(Node node, ScoreRange a, ScoreRange b)
    {
        int count = node.Output.Shape.ElementCount;
        bool first = node.Inputs[0].IsConstant, second = node.Inputs[1].IsConstant;
        if (!first && !second)
        {
            bool same = node.Inputs[0].Shape.ElementCount == count && node.Inputs[1].Shape.ElementCount == count;
            return node.Op is Add && same && a.IsBounded && b.IsBounded
                ? new ScoreRange(a.Low + b.Low, a.High + b.High, a.Sum + b.Sum, a.IsShared && b.IsShared, a.IsSquashed && b.IsSquashed)
                : Unbounded;
        }

        (ScoreRange x, ScoreRange c) = first ? (b, a) : (a, b);
        if (c.Low != c.High || !double.IsFinite(c.Low) || (first && second)) return Unbounded;
        if (node.Inputs[first ? 1 : 0].Shape.ElementCount != count) return Unbounded;
        return node.Op switch
        {
            Add => Scaled(x, 1, c.Low, count),
            Subtract => first ? Scaled(x, -1, c.Low, count) : Scaled(x, 1, -c.Low, count),
            Multiply => Scaled(x, c.Low, 0, count),
            Divide when !first && c.Low != 0 => Scaled(x, 1 / c.Low, 0, count),
            Minimum => Clipped(x, double.NegativeInfinity, c.Low),
            Maximum => Clipped(x, c.Low, double.PositiveInfinity),
            _ => Unbounded,
        };
    }
}
