using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>The list of operators, and those that work element by element.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>Every operator that can be read, one line each; names outside the standard set carry their domain.</summary>
    internal static Dictionary<string, Func<OnnxImporter, OnnxNode, Operand>> Operators { get; } = new(StringComparer.Ordinal)
    {
        ["Abs"] = static (i, n) => i.Unary(n, OpCatalog.Abs),
        ["Add"] = static (i, n) => i.Binary(n, OpCatalog.Add),
        ["AveragePool"] = static (i, n) => i.AveragePool(n, n.Input(0)),
        ["BatchNormalization"] = static (i, n) => i.BatchNormalization(n),
        ["Cast"] = static (i, n) => i.Cast(n),
        ["Ceil"] = static (i, n) => i.MapConstant(n, MathF.Ceiling),
        ["Clip"] = static (i, n) => i.Clip(n),
        ["Concat"] = static (i, n) => i.Concatenate(n),
        ["Constant"] = static (i, n) => i.ConstantNode(n),
        ["ConstantOfShape"] = static (i, n) => i.ConstantOfShape(n),
        ["Conv"] = static (i, n) => i.Convolution(n, n.Input(0), n.Input(1), n.Optional(2)),
        ["DequantizeLinear"] = static (i, n) => i.DequantizeLinear(n),
        ["Div"] = static (i, n) => i.Binary(n, OpCatalog.Divide),
        ["Dropout"] = static (_, n) => Dropout(n),
        ["Exp"] = static (i, n) => i.Unary(n, OpCatalog.Exp),
        ["Expand"] = static (i, n) => i.Expand(n),
        ["Flatten"] = static (i, n) => i.Flatten(n),
        ["Floor"] = static (i, n) => i.MapConstant(n, MathF.Floor),
        ["Gather"] = static (i, n) => i.Gather(n),
        ["Gemm"] = static (i, n) => i.Gemm(n, n.Input(0), n.Input(1), n.Optional(2)),
        ["GlobalAveragePool"] = static (i, n) => i.GlobalPool(n, n.Input(0), ReduceKind.Mean),
        ["GlobalMaxPool"] = static (i, n) => i.GlobalPool(n, n.Input(0), ReduceKind.Max),
        ["HardSigmoid"] = static (i, n) => i.Activation(n, new Activation(ActivationKind.HardSigmoid, n.Float("alpha", 0.2f), n.Float("beta", 0.5f))),
        ["HardSwish"] = static (i, n) => i.Activation(n, new Activation(ActivationKind.HardSwish)),
        ["Identity"] = static (_, n) => n.Input(0),
        ["LRN"] = static (i, n) => i.LocalResponseNormalization(n),
        ["LeakyRelu"] = static (i, n) => i.Activation(n, new Activation(ActivationKind.LeakyRelu, n.Float("alpha", 0.01f))),
        ["Log"] = static (i, n) => i.Unary(n, OpCatalog.Log),
        ["LogSoftmax"] = static (i, n) => i.Softmax(n, logarithm: true),
        ["MatMul"] = static (i, n) => i.MatMul(n, n.Input(0), n.Input(1)),
        ["Max"] = static (i, n) => i.Chain(n, OpCatalog.Maximum),
        ["MaxPool"] = static (i, n) => i.MaxPool(n),
        ["Mean"] = static (i, n) => i.Mean(n),
        ["Min"] = static (i, n) => i.Chain(n, OpCatalog.Minimum),
        ["Mul"] = static (i, n) => i.Binary(n, OpCatalog.Multiply),
        ["Neg"] = static (i, n) => i.Unary(n, OpCatalog.Negate),
        ["PRelu"] = static (i, n) => i.Binary(n, OpCatalog.PRelu),
        ["Pad"] = static (i, n) => i.Pad(n),
        ["Pow"] = static (i, n) => i.Power(n),
        ["QLinearConv"] = static (i, n) => i.QLinearConv(n),
        ["QLinearMatMul"] = static (i, n) => i.QLinearMatMul(n),
        ["QuantizeLinear"] = static (i, n) => i.QuantizeLinear(n),
        ["Range"] = static (i, n) => i.Range(n),
        ["Reciprocal"] = static (i, n) => i.Reciprocal(n),
        ["ReduceMax"] = static (i, n) => i.Reduction(n, ReduceKind.Max, 18),
        ["ReduceMean"] = static (i, n) => i.Reduction(n, ReduceKind.Mean, 18),
        ["ReduceSum"] = static (i, n) => i.Reduction(n, ReduceKind.Sum, 13),
        ["Relu"] = static (i, n) => i.Activation(n, Ops.Activation.Relu),
        ["Reshape"] = static (i, n) => i.Reshape(n),
        ["Round"] = static (i, n) => i.Unary(n, OpCatalog.Round),
        ["Shape"] = static (i, n) => i.ShapeOf(n),
        ["Sigmoid"] = static (i, n) => i.Activation(n, new Activation(ActivationKind.Sigmoid)),
        ["Slice"] = static (i, n) => i.Slice(n),
        ["Softmax"] = static (i, n) => i.Softmax(n, logarithm: false),
        ["Split"] = static (i, n) => i.Split(n),
        ["Sqrt"] = static (i, n) => i.Unary(n, OpCatalog.Sqrt),
        ["Squeeze"] = static (i, n) => i.Squeeze(n),
        ["Sub"] = static (i, n) => i.Binary(n, OpCatalog.Subtract),
        ["Sum"] = static (i, n) => i.Chain(n, OpCatalog.Add),
        ["Tanh"] = static (i, n) => i.Activation(n, new Activation(ActivationKind.Tanh)),
        ["Transpose"] = static (i, n) => i.TransposeAxes(n),
        ["Unsqueeze"] = static (i, n) => i.Unsqueeze(n),
        ["com.microsoft.DequantizeLinear"] = static (i, n) => i.DequantizeLinear(n),
        ["com.microsoft.QGemm"] = static (i, n) => i.QGemm(n),
        ["com.microsoft.QLinearAdd"] = static (i, n) => i.QLinearAdd(n),
        ["com.microsoft.QLinearAveragePool"] = static (i, n) => i.QLinearAveragePool(n),
        ["com.microsoft.QLinearConcat"] = static (i, n) => i.QLinearConcat(n),
        ["com.microsoft.QLinearGlobalAveragePool"] = static (i, n) => i.QLinearGlobalAveragePool(n),
        ["com.microsoft.QLinearLeakyRelu"] = static (i, n) => i.QLinearActivation(n, new Activation(ActivationKind.LeakyRelu, n.Float("alpha", 0.01f))),
        ["com.microsoft.QLinearMul"] = static (i, n) => i.QLinearBinary(n, OpCatalog.Multiply),
        ["com.microsoft.QLinearSigmoid"] = static (i, n) => i.QLinearActivation(n, new Activation(ActivationKind.Sigmoid)),
        ["com.microsoft.QuantizeLinear"] = static (i, n) => i.QuantizeLinear(n),
    };

    private Operand Unary(OnnxNode node, Op op) => Apply(node, op, [node.Input(0)]);

    private Operand Activation(OnnxNode node, Activation activation) => Apply(node, OpCatalog.Activate, [node.Input(0)], new ActivateAttributes(activation));

    private Operand Binary(OnnxNode node, BinaryOp op)
    {
        if (node.Has("axis") || node.Has("broadcast")) throw node.Unsupported("broadcasting as before operator set 7");
        Operand a = node.Input(0), b = node.Input(1);
        return a.IsInteger && b.IsInteger ? IntegerArithmetic(node, a, b) : Apply(node, op, [a, b]);
    }

    /// <summary>Operators of any number of operands, as a chain of two each.</summary>
    private Operand Chain(OnnxNode node, BinaryOp op, string? name = null)
    {
        Operand result = node.Input(0);
        if (node.InputCount == 1) return result;
        for (int i = 1; i < node.InputCount; i++)
        {
            bool last = i == node.InputCount - 1;
            result = Apply(node, op, [result, node.Input(i)], null, last ? name : $"{node.Name}/{i}");
        }

        return result;
    }

    private Operand Mean(OnnxNode node)
    {
        if (node.InputCount == 1) return node.Input(0);
        Operand sum = Chain(node, OpCatalog.Add, $"{node.Name}/sum");
        return Apply(node, OpCatalog.Multiply, [sum, Constant($"{node.Name}/count", new Shape(), 1f / node.InputCount)]);
    }

    private Operand Reciprocal(OnnxNode node) => Apply(node, OpCatalog.Divide, [Constant($"{node.Name}/one", new Shape(), 1), node.Input(0)]);

    private Operand Power(OnnxNode node)
    {
        Operand exponent = node.Input(1);
        if (exponent.IsInteger) exponent = ToFloats(exponent);
        return Apply(node, OpCatalog.Power, [node.Input(0), exponent]);
    }

    private Operand Clip(OnnxNode node)
    {
        float minimum = node.Float("min", float.NegativeInfinity), maximum = node.Float("max", float.PositiveInfinity);
        if (node.Opset >= 11)
        {
            minimum = Bound(node, 1, float.NegativeInfinity);
            maximum = Bound(node, 2, float.PositiveInfinity);
        }

        // float32's extremes are the old default, and stand for "no bound" in exports.
        if (minimum == float.MinValue) minimum = float.NegativeInfinity;
        if (maximum == float.MaxValue) maximum = float.PositiveInfinity;
        if (minimum > maximum) minimum = maximum;
        return (minimum, maximum) switch
        {
            (float.NegativeInfinity, float.PositiveInfinity) => node.Input(0),
            (0, float.PositiveInfinity) => Activation(node, Ops.Activation.Relu),
            (0, 6) => Activation(node, Ops.Activation.Relu6),
            _ => Activation(node, Ops.Activation.Clip(minimum, maximum)),
        };
    }

    private static float Bound(OnnxNode node, int index, float otherwise)
    {
        if (node.Optional(index) is not Operand operand) return otherwise;
        TensorData data = RequireConstant(node, operand, "a bound");
        if (data.Type.Shape.ElementCount != 1) throw node.Fail($"the bound '{operand.Name}' has shape {data.Type.Shape}, expected one number");
        return float.IsNaN(data.Floats[0]) ? throw node.Fail($"the bound '{operand.Name}' is no number") : data.Floats[0];
    }

    private Operand Cast(OnnxNode node)
    {
        Operand x = node.Input(0);
        Proto.TensorProto.Types.DataType target = (Proto.TensorProto.Types.DataType)node.Int("to", 0);
        switch (target)
        {
            case Proto.TensorProto.Types.DataType.Float or Proto.TensorProto.Types.DataType.Float16 or Proto.TensorProto.Types.DataType.Bfloat16 or Proto.TensorProto.Types.DataType.Double:
                if (x.QuantizedInput is not null) return RealOf(node, x, new Quantization([1], [0]));
                if (x.Grid is not null) throw node.Unsupported("of an 8-bit activation");
                return x.IsInteger ? ToFloats(x) : x;
            case Proto.TensorProto.Types.DataType.Int64 or Proto.TensorProto.Types.DataType.Int32 when x.IsConstant:
                return IntegerConstant(node.Name, x.Shape, Integers(node, x));
            default:
                throw node.Unsupported($"to {target}");
        }
    }

    private Operand ToFloats(Operand operand)
    {
        long[] integers = Integers(null, operand);
        Charge(4L * integers.Length);
        float[] values = new float[integers.Length];
        for (int i = 0; i < values.Length; i++) values[i] = integers[i];
        return new Operand(operand.Name, TensorData.FromFloats(operand.Shape, values));
    }

    private Operand MapConstant(OnnxNode node, Func<float, float> map)
    {
        TensorData data = RequireConstant(node, node.Input(0), "an operand");
        Charge(data.Type.SizeBytes);
        float[] values = data.Floats.ToArray();
        for (int i = 0; i < values.Length; i++) values[i] = map(values[i]);
        return new Operand(node.Name, TensorData.FromFloats(data.Type.Shape, values));
    }

    private static Operand Dropout(OnnxNode node)
    {
        // An operand since operator set 12; anything but a constant false would drop at random.
        if (node.Optional(2) is Operand training && (training.Data is not { Type.DType: DType.Bool } data || data.Bytes.Span.ContainsAnyExcept((byte)0)))
            throw node.Unsupported("in training mode");
        return node.Input(0);
    }
}
