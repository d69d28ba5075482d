using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas;

/// <summary>
/// What a graph does to its input number by number before its first layer: one factor and one shift for each channel, and the first grid that it rounds to.
/// </summary>
internal sealed class LeadingArithmetic
{
    private readonly double[] _scale;
    private readonly double[] _shift;

    private readonly bool _passesGrids;

    private LeadingArithmetic(int channels, bool passesGrids)
    {
        _passesGrids = passesGrids;
        _scale = new double[channels];
        _shift = new double[channels];
        _scale.AsSpan().Fill(1);
    }

    /// <summary>Whether the input is multiplied or shifted at all.</summary>
    public bool Rescales { get; private set; }

    /// <summary>The interval of input numbers that the first grid covers, unless grids are passed.</summary>
    public Interval? Grid { get; private set; }

    /// <summary>Mean and standard deviation by which batch normalization of the input itself goes, averaged over the channels.</summary>
    public (double Mean, double Std)? Statistics { get; private set; }

    /// <summary>Follows a graph from its first input up to the first layer or grid. Readers that lead to no output must have been removed.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="passesGrids">Whether to go on behind a grid, as that of an integer input.</param>
    public static LeadingArithmetic Of(Graph graph, bool passesGrids)
    {
        Value value = graph.Inputs[0];
        LeadingArithmetic result = new(value.Shape[3], passesGrids);
        int axis = 3;
        while (value.Consumers.Count == 1 && result.TryFollow(value.Consumers[0], value, ref axis)) value = value.Consumers[0].Output;
        result.End = value;
        return result;
    }

    /// <summary>What the first layer reads.</summary>
    public Value End { get; private set; } = null!;

    /// <summary>What an interval of input numbers becomes.</summary>
    public Interval Apply(Interval interval)
    {
        double low = double.PositiveInfinity, high = double.NegativeInfinity;
        for (int c = 0; c < _scale.Length; c++)
        {
            double a = (interval.Low * _scale[c]) + _shift[c], b = (interval.High * _scale[c]) + _shift[c];
            low = Math.Min(low, Math.Min(a, b));
            high = Math.Max(high, Math.Max(a, b));
        }

        return new Interval(low, high);
    }

    /// <summary>The input numbers that become an interval, by the mean of the channels.</summary>
    private Interval Invert(Interval interval)
    {
        double low = 0, high = 0;
        for (int c = 0; c < _scale.Length; c++)
        {
            double a = (interval.Low - _shift[c]) / _scale[c], b = (interval.High - _shift[c]) / _scale[c];
            low += Math.Min(a, b) / _scale.Length;
            high += Math.Max(a, b) / _scale.Length;
        }

        return new Interval(low, high);
    }

    /// <summary>
    /// How far images that are normalized one way are, after the arithmetic, from images normalized another way: the largest gap as a share of the width.
    /// </summary>
    /// <param name="from">What the images are fed as.</param>
    /// <param name="to">What they should have become.</param>
    /// <param name="flipped">Whether channel 0 of the graph is the last one of <paramref name="to"/>.</param>
    public double Distance(Preprocessing from, Preprocessing to, bool flipped)
    {
        double distance = 0;
        for (int c = 0; c < _scale.Length; c++)
        {
            int d = flipped ? _scale.Length - 1 - c : c;
            foreach (double level in new[] { 0.0, 255.0 })
            {
                double fed = (level - from.Mean[c]) / from.Std[c], wanted = (level - to.Mean[d]) / to.Std[d];
                distance = Math.Max(distance, Math.Abs((fed * _scale[c]) + _shift[c] - wanted) * to.Std[d] / 255);
            }
        }

        return distance;
    }

    private bool TryFollow(Node node, Value value, ref int axis)
    {
        switch (node.Op)
        {
            case Transpose:
                axis = ((TransposeAttributes)node.Attributes).Perm.Items.IndexOf(axis);
                return true;
            case Reshape:
                return node.Output.Shape == value.Shape;
            case Pad:
                return true;
            case FakeQuantize:
                FakeQuantizeAttributes grid = (FakeQuantizeAttributes)node.Attributes;
                if (!_passesGrids && grid.Quantization.IsPerTensor) Grid = Invert(IntervalOf(grid));
                return _passesGrids;
            case Multiply or Add or Subtract or Divide:
                return TryCompute(node, value, axis);
            case BatchNorm:
                return TryNormalize(node, axis);
            default:
                return false;
        }
    }

    private bool TryCompute(Node node, Value value, int axis)
    {
        bool constantFirst = ReferenceEquals(node.Inputs[1], value);
        Value other = node.Inputs[constantFirst ? 0 : 1];
        if (ReferenceEquals(node.Inputs[0], node.Inputs[1]) || node.Output.Shape != value.Shape || other.Constant is not { } data
            || data.Type.DType != DType.F32)
        {
            return false;
        }

        if (constantFirst && node.Op is Divide) return false;
        Span<double> operand = stackalloc double[_scale.Length];
        if (!TryRead(data, value.Shape.Rank, axis, operand)) return false;
        for (int c = 0; c < _scale.Length; c++)
        {
            (double scale, double shift) = node.Op switch
            {
                Multiply => (operand[c], 0),
                Divide => (1 / operand[c], 0),
                Add => (1, operand[c]),
                Subtract => constantFirst ? (-1, operand[c]) : (1.0, -operand[c]),
                _ => throw new UnreachableException($"{node.Op.Name} is not arithmetic."),
            };
            if (scale == 0 || !double.IsFinite(scale) || !double.IsFinite(shift)) return false;
            Rescales |= scale != 1 || shift != 0;
            _scale[c] *= scale;
            _shift[c] = (_shift[c] * scale) + shift;
        }

        return true;
    }

    /// <summary>Reads one number for all channels or one for each.</summary>
    private static bool TryRead(TensorData data, int rank, int axis, Span<double> numbers)
    {
        Shape shape = data.Type.Shape;
        ReadOnlySpan<float> values = data.Floats;
        bool perChannel = shape.ElementCount == numbers.Length && numbers.Length > 1;
        if (perChannel)
        {
            int own = axis - (rank - shape.Rank);
            perChannel = own >= 0 && own < shape.Rank && shape[own] == numbers.Length;
        }

        if (!perChannel && shape.ElementCount != 1) return false;
        for (int c = 0; c < numbers.Length; c++) numbers[c] = values[perChannel ? c : 0];
        return true;
    }

    private bool TryNormalize(Node node, int axis)
    {
        if (axis != node.Output.Shape.Rank - 1) return false;
        for (int i = 1; i < 5; i++)
        {
            if (node.Inputs[i].Constant is not { } data || data.Type.DType != DType.F32) return false;
        }

        ReadOnlySpan<float> factors = node.Inputs[1].Constant!.Floats, shifts = node.Inputs[2].Constant!.Floats;
        ReadOnlySpan<float> means = node.Inputs[3].Constant!.Floats, variances = node.Inputs[4].Constant!.Floats;
        double epsilon = ((BatchNormAttributes)node.Attributes).Epsilon, mean = 0, std = 0;
        for (int c = 0; c < _scale.Length; c++)
        {
            double deviation = Math.Sqrt(variances[c] + epsilon), factor = factors[c] / deviation;
            if (!double.IsFinite(factor) || factor == 0) return false;
            mean += means[c] / (double)_scale.Length;
            std += deviation / _scale.Length;
            if (!Rescales) continue;
            _scale[c] *= factor;
            _shift[c] = ((_shift[c] - means[c]) * factor) + shifts[c];
        }

        if (!Rescales) Statistics = (mean, std);
        return Rescales;
    }

    private static Interval IntervalOf(FakeQuantizeAttributes grid)
    {
        double scale = grid.Quantization.Scales[0], zero = grid.Quantization.ZeroPoints[0];
        return new Interval(scale * (grid.Minimum - zero), scale * (grid.Maximum - zero));
    }
}
