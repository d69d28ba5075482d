using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>The list of operators, and those that work element by element: they keep the form that their operands are in.</summary>
internal sealed partial class OnnxEmitter
{
    private void EmitNode(Node node)
    {
        switch (node.Op)
        {
            case PRelu: EmitPRelu(node); break;
            case BinaryOp: EmitBinary(node, BinaryName(node.Op)); break;
            case Rsqrt: EmitRsqrt(node); break;
            case UnaryOp: EmitUnary(node, UnaryName(node.Op)); break;
            case Activate: EmitActivate(node); break;
            case FakeQuantize: EmitFakeQuantize(node); break;
            case Conv2d: EmitConv2d(node); break;
            case DepthwiseConv2d: EmitDepthwiseConv2d(node); break;
            case ConvTranspose2d: EmitConvTranspose(node); break;
            case Dense: EmitDense(node); break;
            case MatMul: EmitMatMul(node); break;
            case BatchNorm: EmitBatchNorm(node); break;
            case MaxPool2d: EmitMaxPool(node); break;
            case AveragePool2d: EmitAveragePool(node); break;
            case Reduce: EmitReduce(node); break;
            case Softmax: EmitSoftmax(node); break;
            case LocalResponseNorm: EmitLocalResponseNorm(node); break;
            case Concat: EmitConcat(node); break;
            case Pad: EmitPad(node); break;
            case Slice: EmitSlice(node); break;
            case Reshape: EmitReshape(node); break;
            case Transpose: EmitTranspose(node); break;
            default: throw NotWritten(node.Op);
        }
    }

    private static string BinaryName(Op op) => op switch
    {
        Ops.Add => "Add",
        Subtract => "Sub",
        Multiply => "Mul",
        Divide => "Div",
        Maximum => "Max",
        Minimum => "Min",
        Power => "Pow",
        _ => throw NotWritten(op),
    };

    private static string UnaryName(Op op) => op switch
    {
        Exp => "Exp",
        Log => "Log",
        Sqrt => "Sqrt",
        Negate => "Neg",
        Abs => "Abs",
        Sign => "Sign",
        Round => "Round",
        Erf => "Erf",
        _ => throw NotWritten(op),
    };

    private static ThomasException NotWritten(Op op) => new($"The operator {op.Name} cannot be written to ONNX: it belongs to training steps, not to models.");

    private void EmitUnary(Node node, string op)
    {
        bool nchw = PrefersNchw(node.Inputs[0]);
        Add(op, [Form(node.Inputs[0], nchw)], Define(node.Output, nchw));
    }

    private void EmitRsqrt(Node node)
    {
        bool nchw = PrefersNchw(node.Inputs[0]);
        string root = Add("Sqrt", [Form(node.Inputs[0], nchw)], Unique($"{node.Name}/sqrt"));
        Add("Reciprocal", [root], Define(node.Output, nchw));
    }

    private void EmitBinary(Node node, string op)
    {
        bool nchw = BinaryIsNchw(node);
        string a = Broadcast(node.Inputs[0], nchw), b = Broadcast(node.Inputs[1], nchw);
        Add(op, [a, b], Define(node.Output, nchw));
    }

    private void EmitPRelu(Node node)
    {
        bool nchw = BinaryIsNchw(node);
        string x = Broadcast(node.Inputs[0], nchw), slope = Broadcast(node.Inputs[1], nchw);
        if (node.Output.Shape == node.Inputs[0].Shape)
        {
            Add("PRelu", [x, slope], Define(node.Output, nchw));
            return;
        }

        // ONNX stretches the slope only; max(x, 0) + slope * min(x, 0) stretches both.
        string zero = Floats($"{node.Name}/zero", new Shape(), 0);
        string positive = Add("Max", [x, zero], Unique($"{node.Name}/positive"));
        string negative = Add("Min", [x, zero], Unique($"{node.Name}/negative"));
        string scaled = Add("Mul", [negative, slope], Unique($"{node.Name}/scaled"));
        Add("Add", [positive, scaled], Define(node.Output, nchw));
    }

    private bool BinaryIsNchw(Node node) => node.Output.Shape.Rank == 4 && (PrefersNchw(node.Inputs[0]) || PrefersNchw(node.Inputs[1]));

    /// <summary>An operand of an element-wise node, such that it stretches along the same axes in the form that is used.</summary>
    private string Broadcast(Value value, bool nchw)
    {
        if (!nchw || value.Shape.Rank == 0) return Plain(value);
        if (value.Shape.Rank == 4) return Nchw(value);
        int[] dims = [1, 1, 1, 1];
        value.Shape.Dims.CopyTo(dims.AsSpan(4 - value.Shape.Rank));
        Shape full = new(dims), permuted = Permutation.Apply(ToNchw, full);
        if (value.IsConstant && Permutation.KeepsOrder(ToNchw, full)) return Initializer(value, permuted.ToString(), value.Constant!.Reshaped(permuted));
        string reshaped = Add(
            "Reshape", [Plain(value), Longs($"{value.Name}/dims", Array.ConvertAll(dims, static d => (long)d))], Unique($"{value.Name}/full"));
        return Add("Transpose", [reshaped], Unique($"{value.Name}/nchw"), Ints("perm", 0, 3, 1, 2));
    }

    private void EmitActivate(Node node)
    {
        bool nchw = PrefersNchw(node.Inputs[0]);
        string x = Form(node.Inputs[0], nchw);
        Activation activation = ((ActivateAttributes)node.Attributes).Activation;
        if (IsDoneByGrid(node.Output, activation)) (nchw ? _nchw : _plain).Add(node.Output, x);
        else EmitActivation(activation, x, Define(node.Output, nchw));
    }

    /// <summary>Adds an activation function between two names.</summary>
    private void EmitActivation(Activation activation, string x, string y) => OnnxActivations.Write(this, activation, x, y);

    internal void EmitClip(string x, string y, float minimum, float maximum)
    {
        // A bound that is left out is no bound.
        string low = float.IsNegativeInfinity(minimum) ? "" : Bound("min", minimum), high = float.IsPositiveInfinity(maximum) ? "" : Bound("max", maximum);
        Add("Clip", high.Length > 0 ? [x, low, high] : low.Length > 0 ? [x, low] : [x], y);
    }

    /// <summary>Bounds repeat all over a network; each value is written once.</summary>
    private string Bound(string kind, float value)
    {
        if (_bounds.TryGetValue(value, out string? name)) return name;
        return _bounds[value] = Floats($"clip/{kind}", new Shape(), value);
    }

    private void EmitFakeQuantize(Node node)
    {
        FakeQuantizeAttributes a = (FakeQuantizeAttributes)node.Attributes;
        bool nchw = PrefersNchw(node.Inputs[0]);
        string x = Form(node.Inputs[0], nchw);
        ReadOnlySpan<float> scales = a.Quantization.Scales;
        ReadOnlySpan<int> zeros = a.Quantization.ZeroPoints;

        // Unsigned, whatever the grid: on x64, ONNX Runtime's optimizer makes uint8 of int8 before it looks for layers of integers, but not where a tensor has
        // two readers, and a layer between the two kinds then stays float32.
        byte[] stored = new byte[zeros.Length];
        bool fits = (long)a.Maximum - a.Minimum <= 255 && !_followsFloats.Contains(node.Inputs[0]);
        for (int i = 0; i < zeros.Length; i++)
        {
            fits &= zeros[i] >= a.Minimum && zeros[i] <= a.Minimum + 255L;
            stored[i] = unchecked((byte)(zeros[i] - a.Minimum));
        }

        if (!fits)
        {
            EmitRounding(node, a, x, nchw);
            return;
        }

        if (a.Maximum - a.Minimum < 255) x = Add("Min", [x, Limits(node, a, "max", a.Maximum, nchw)], Unique($"{node.Name}/clipped"));
        Shape shape = a.Quantization.IsPerTensor ? new Shape() : new Shape(scales.Length);
        string scale = Floats($"{node.Name}/scale", shape, scales);
        string zero = AddInitializer($"{node.Name}/zero_point", new TensorData(new TensorType(DType.U8, shape), stored));
        int axis = nchw ? 1 : node.Output.Shape.Rank - 1;
        string integers = Unique($"{node.Name}/quantized"), y = Define(node.Output, nchw);
        if (a.Quantization.IsPerTensor)
        {
            Add("QuantizeLinear", [x, scale, zero], integers);
            Add("DequantizeLinear", [integers, scale, zero], y);
        }
        else
        {
            Add("QuantizeLinear", [x, scale, zero], integers, Int("axis", axis));
            Add("DequantizeLinear", [integers, scale, zero], y, Int("axis", axis));
        }
    }

    /// <summary>Rounding where no QuantizeLinear may stand, in float arithmetic: scale * clamp(round(x / scale), min - zeroPoint, max - zeroPoint).</summary>
    private void EmitRounding(Node node, FakeQuantizeAttributes a, string x, bool nchw)
    {
        string scale = PerChannel($"{node.Name}/scale", a.Quantization.Scales, node.Output.Shape.Rank, nchw);
        string[] steps = [$"{node.Name}/divided", $"{node.Name}/rounded", $"{node.Name}/raised", $"{node.Name}/clipped"];
        string divided = Add("Div", [x, scale], Unique(steps[0]));
        string rounded = Add("Round", [divided], Unique(steps[1]));
        string raised = Add("Max", [rounded, Steps(node, a, "min", a.Minimum, nchw)], Unique(steps[2]));
        string clipped = Add("Min", [raised, Steps(node, a, "max", a.Maximum, nchw)], Unique(steps[3]));
        Add("Mul", [clipped, scale], Define(node.Output, nchw));
    }

    /// <summary>An end of the grid as a real number.</summary>
    private string Limits(Node node, FakeQuantizeAttributes a, string end, int integer, bool nchw)
    {
        float[] limits = new float[a.Quantization.Scales.Length];
        for (int i = 0; i < limits.Length; i++) limits[i] = (integer - a.Quantization.ZeroPoints[i]) * a.Quantization.Scales[i];
        return PerChannel($"{node.Name}/{end}", limits, node.Output.Shape.Rank, nchw);
    }

    /// <summary>An end of the grid in steps from zero.</summary>
    private string Steps(Node node, FakeQuantizeAttributes a, string end, int integer, bool nchw)
    {
        float[] steps = new float[a.Quantization.Scales.Length];
        for (int i = 0; i < steps.Length; i++) steps[i] = (float)((long)integer - a.Quantization.ZeroPoints[i]);
        return PerChannel($"{node.Name}/{end}", steps, node.Output.Shape.Rank, nchw);
    }

    private string PerChannel(string name, ReadOnlySpan<float> values, int rank, bool nchw) =>
        Floats(name, values.Length == 1 ? new Shape() : nchw && rank == 4 ? new Shape(1, values.Length, 1, 1) : new Shape(values.Length), values);
}
