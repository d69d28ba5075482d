using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>The list of operators, and those that work element by element. <see cref="OnnxActivations"/> has those that are activations.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>Every operator that can be read, one line each; names outside the standard set carry their domain.</summary>
    internal static Dictionary<string, Func<OnnxImporter, OnnxNode, Operand>> Operators { get; } = new(OnnxActivations.Imports, StringComparer.Ordinal)
    {
        ["Abs"] = static (i, n) => i.Unary(n, OpCatalog.Abs),
        ["Add"] = static (i, n) => i.Binary(n, OpCatalog.Add),
        ["Affine"] = static (i, n) => i.Affine(n),
        ["And"] = static (i, n) => i.Compare(n, static (a, b) => a != 0 && b != 0),
        ["ArgMax"] = static (_, n) => Decision(n),
        ["ArgMin"] = static (_, n) => Decision(n),
        ["AveragePool"] = static (i, n) => i.AveragePool(n, n.Input(0)),
        ["BatchNormalization"] = static (i, n) => i.BatchNormalization(n),
        ["Cast"] = static (i, n) => i.Cast(n),
        ["CastLike"] = static (i, n) => i.CastLike(n),
        ["Ceil"] = static (i, n) => i.MapConstant(n, MathF.Ceiling),
        ["Celu"] = static (i, n) => i.ExponentialUnit(n, n.Float("alpha", 1), n.Float("alpha", 1)),
        ["Clip"] = static (i, n) => i.Clip(n),
        ["Concat"] = static (i, n) => i.Concatenate(n),
        ["ConcatFromSequence"] = static (i, n) => i.ConcatFromSequence(n),
        ["Constant"] = static (i, n) => i.ConstantNode(n),
        ["ConstantOfShape"] = static (i, n) => i.ConstantOfShape(n),
        ["Conv"] = static (i, n) => i.Convolution(n, n.Input(0), n.Input(1), n.Optional(2)),
        ["ConvInteger"] = static (i, n) => i.ConvInteger(n),
        ["ConvTranspose"] = static (i, n) => i.TransposedConvolution(n, n.Input(0), n.Input(1), n.Optional(2)),
        ["Crop"] = static (i, n) => i.Crop(n),
        ["DepthToSpace"] = static (i, n) => i.DepthToSpace(n),
        ["DequantizeLinear"] = static (i, n) => i.DequantizeLinear(n),
        ["Div"] = static (i, n) => i.Quotient(n),
        ["Dropout"] = static (i, n) => i.Dropout(n),
        ["DynamicQuantizeLinear"] = static (i, n) => i.DynamicQuantizeLinear(n),
        ["Einsum"] = static (i, n) => i.Einsum(n),
        ["Elu"] = static (i, n) => i.ExponentialUnit(n, n.Float("alpha", 1)),
        ["Equal"] = static (i, n) => i.Compare(n, static (a, b) => a == b),
        ["Erf"] = static (i, n) => i.Unary(n, OpCatalog.Erf),
        ["Exp"] = static (i, n) => i.Unary(n, OpCatalog.Exp),
        ["Expand"] = static (i, n) => i.Expand(n),
        ["Flatten"] = static (i, n) => i.Flatten(n),
        ["Floor"] = static (i, n) => i.MapConstant(n, MathF.Floor),
        ["Gather"] = static (i, n) => i.Gather(n),
        ["Gelu"] = static (i, n) => i.Gelu(n, n.Input(0), n.Text("approximate", "none")),
        ["Gemm"] = static (i, n) => i.Gemm(n, n.Input(0), n.Input(1), n.Optional(2)),
        ["GlobalAveragePool"] = static (i, n) => i.GlobalPool(n, n.Input(0), ReduceKind.Mean),
        ["GlobalLpPool"] = static (i, n) => i.GlobalLpPool(n),
        ["GlobalMaxPool"] = static (i, n) => i.GlobalPool(n, n.Input(0), ReduceKind.Max),
        ["Greater"] = static (i, n) => i.Compare(n, static (a, b) => a > b),
        ["GreaterOrEqual"] = static (i, n) => i.Compare(n, static (a, b) => a >= b),
        ["GroupNormalization"] = static (i, n) => i.GroupNormalization(n),
        ["Identity"] = static (_, n) => n.Input(0),
        ["ImageScaler"] = static (i, n) => i.ImageScaler(n),
        ["InstanceNormalization"] = static (i, n) => i.InstanceNormalization(n),
        ["LRN"] = static (i, n) => i.LocalResponseNormalization(n),
        ["LayerNormalization"] = static (i, n) => i.LayerNormalization(n),
        ["Less"] = static (i, n) => i.Compare(n, static (a, b) => a < b),
        ["LessOrEqual"] = static (i, n) => i.Compare(n, static (a, b) => a <= b),
        ["Log"] = static (i, n) => i.Unary(n, OpCatalog.Log),
        ["LogSoftmax"] = static (i, n) => i.Softmax(n, n.Input(0), logarithm: true, n.Opset),
        ["LpNormalization"] = static (i, n) => i.LpNormalization(n),
        ["MatMul"] = static (i, n) => i.MatMul(n, n.Input(0), n.Input(1)),
        ["MatMulInteger"] = static (i, n) => i.MatMulInteger(n),
        ["Max"] = static (i, n) => i.Chain(n, OpCatalog.Maximum),
        ["MaxPool"] = static (i, n) => i.MaxPool(n),
        ["Mean"] = static (i, n) => i.Mean(n),
        ["Min"] = static (i, n) => i.Chain(n, OpCatalog.Minimum),
        ["Mod"] = static (i, n) => i.IntegerArithmetic(n, n.Input(0), n.Input(1)),
        ["Mul"] = static (i, n) => i.Binary(n, OpCatalog.Multiply),
        ["Neg"] = static (i, n) => i.Unary(n, OpCatalog.Negate),
        ["Not"] = static (_, n) => Not(n),
        ["Optional"] = static (_, n) => n.Input(0),
        ["OptionalGetElement"] = static (_, n) => n.Input(0),
        ["OptionalHasElement"] = static (_, n) => Truths(n.Name, new Graphs.Shape(), [n.Optional(0) is null ? (byte)0 : (byte)1]),
        ["Or"] = static (i, n) => i.Compare(n, static (a, b) => a != 0 || b != 0),
        ["PRelu"] = static (i, n) => i.ParametricRelu(n),
        ["Pad"] = static (i, n) => i.Pad(n),
        ["Pow"] = static (i, n) => i.Power(n),
        ["QLinearConv"] = static (i, n) => i.QLinearConv(n),
        ["QLinearMatMul"] = static (i, n) => i.QLinearMatMul(n),
        ["QuantizeLinear"] = static (i, n) => i.QuantizeLinear(n),
        ["RMSNormalization"] = static (i, n) => i.LayerNormalization(n, center: false),
        ["Range"] = static (i, n) => i.Range(n),
        ["Reciprocal"] = static (i, n) => i.Reciprocal(n),
        ["ReduceL1"] = static (i, n) => i.ComposedReduction(n, 18),
        ["ReduceL2"] = static (i, n) => i.ComposedReduction(n, 18),
        ["ReduceLogSum"] = static (i, n) => i.ComposedReduction(n, 18),
        ["ReduceLogSumExp"] = static (i, n) => i.ComposedReduction(n, 18),
        ["ReduceMax"] = static (i, n) => i.Reduction(n, ReduceKind.Max, 18),
        ["ReduceMean"] = static (i, n) => i.Reduction(n, ReduceKind.Mean, 18),
        ["ReduceMin"] = static (i, n) => i.ComposedReduction(n, 18),
        ["ReduceProd"] = static (i, n) => i.ComposedReduction(n, 18),
        ["ReduceSum"] = static (i, n) => i.Reduction(n, ReduceKind.Sum, 13),
        ["ReduceSumSquare"] = static (i, n) => i.ComposedReduction(n, 18),
        ["Reshape"] = static (i, n) => i.Reshape(n),
        ["Resize"] = static (i, n) => i.Resize(n),
        ["Round"] = static (i, n) => i.Unary(n, OpCatalog.Round),
        ["ScatterND"] = static (i, n) => i.ScatterConstants(n),
        ["Selu"] = static (i, n) => i.ExponentialUnit(n, n.Float("alpha", 1.67326319f), 1, n.Float("gamma", 1.05070102f)),
        ["SequenceAt"] = static (_, n) => SequenceAt(n),
        ["SequenceConstruct"] = static (_, n) => SequenceConstruct(n),
        ["SequenceEmpty"] = static (_, n) => SequenceConstruct(n),
        ["SequenceInsert"] = static (_, n) => SequenceInsert(n),
        ["SequenceLength"] = static (i, n) => i.IntegerConstant(n.Name, new Graphs.Shape(), [n.Input(0).Elements.Count]),
        ["Shape"] = static (i, n) => i.ShapeOf(n),
        ["Sign"] = static (i, n) => i.Unary(n, OpCatalog.Sign),
        ["Size"] = static (i, n) => i.IntegerConstant(n.Name, new Graphs.Shape(), [n.Input(0).Shape.ElementCount]),
        ["Slice"] = static (i, n) => i.Slice(n),
        ["Softmax"] = static (i, n) => i.Softmax(n, n.Input(0), logarithm: false, n.Opset),
        ["Softplus"] = static (i, n) => i.Softplus(n, n.Input(0)),
        ["Softsign"] = static (i, n) => i.Softsign(n),
        ["SpaceToDepth"] = static (i, n) => i.SpaceToDepth(n),
        ["Split"] = static (i, n) => i.Split(n),
        ["SplitToSequence"] = static (i, n) => i.SplitToSequence(n),
        ["Sqrt"] = static (i, n) => i.Unary(n, OpCatalog.Sqrt),
        ["Squeeze"] = static (i, n) => i.Squeeze(n),
        ["Sub"] = static (i, n) => i.Binary(n, OpCatalog.Subtract),
        ["Sum"] = static (i, n) => i.Chain(n, OpCatalog.Add),
        ["Swish"] = static (i, n) => i.Swish(n, n.Float("alpha", 1)),
        ["Tile"] = static (i, n) => i.Tile(n),
        ["TopK"] = static (_, n) => Decision(n),
        ["Transpose"] = static (i, n) => i.TransposeAxes(n),
        ["Trilu"] = static (i, n) => i.Triangle(n),
        ["Unsqueeze"] = static (i, n) => i.Unsqueeze(n),
        ["Upsample"] = static (i, n) => i.Resize(n),
        ["Where"] = static (i, n) => i.Where(n),
        ["Xor"] = static (i, n) => i.Compare(n, static (a, b) => (a != 0) != (b != 0)),
        ["ai.onnx.ml.ZipMap"] = static (_, n) => Decision(n),
        ["com.microsoft.BiasGelu"] = static (i, n) => i.BiasGelu(n, "none"),
        ["com.microsoft.DequantizeLinear"] = static (i, n) => i.DequantizeLinear(n),
        ["com.microsoft.DynamicQuantizeMatMul"] = static (i, n) => i.MatMulOfQuantizedWeights(n, -1, 2, 3, 4),
        ["com.microsoft.FastGelu"] = static (i, n) => i.BiasGelu(n, "tanh"),
        ["com.microsoft.FusedConv"] = static (i, n) => i.FusedConv(n),
        ["com.microsoft.FusedGemm"] = static (i, n) => i.FusedGemm(n),
        ["com.microsoft.FusedMatMul"] = static (i, n) => i.FusedMatMul(n),
        ["com.microsoft.Gelu"] = static (i, n) => i.Gelu(n, n.Input(0), "none"),
        ["com.microsoft.MatMulIntegerToFloat"] = static (i, n) => i.MatMulOfQuantizedWeights(n, 2, 3, 5, 6),
        ["com.microsoft.QGemm"] = static (i, n) => i.QGemm(n),
        ["com.microsoft.QLinearAdd"] = static (i, n) => i.QLinearAdd(n),
        ["com.microsoft.QLinearAveragePool"] = static (i, n) => i.QLinearAveragePool(n),
        ["com.microsoft.QLinearConcat"] = static (i, n) => i.QLinearConcat(n),
        ["com.microsoft.QLinearGlobalAveragePool"] = static (i, n) => i.QLinearGlobalAveragePool(n),
        ["com.microsoft.QLinearLeakyRelu"] = static (i, n) => i.QLinearActivation(n, new Activation(ActivationKind.LeakyRelu, n.Float("alpha", 0.01f))),
        ["com.microsoft.QLinearMul"] = static (i, n) => i.QLinearBinary(n, OpCatalog.Multiply),
        ["com.microsoft.QLinearSigmoid"] = static (i, n) => i.QLinearActivation(n, new Activation(ActivationKind.Sigmoid)),
        ["com.microsoft.QLinearSoftmax"] = static (i, n) => i.QLinearSoftmax(n),
        ["com.microsoft.QuantizeLinear"] = static (i, n) => i.QuantizeLinear(n),
        ["com.microsoft.QuickGelu"] = static (i, n) => i.Swish(n, n.Float("alpha", 1.702f)),
    };

    private Operand Unary(OnnxNode node, Op op)
    {
        Operand x = node.Input(0);
        if (!x.IsInteger || op is not (Negate or Abs or Sign)) return Apply(node, op, [x]);
        if (op is Sign) return new Operand(node.Name, OnnxTensor.FromLongs(x.Shape, Array.ConvertAll(Integers(node, x), static v => (long)Math.Sign(v))));
        return new Operand(node.Name, OnnxTensor.FromLongs(x.Shape, Array.ConvertAll(Integers(node, x), v => op is Negate || v < 0 ? unchecked(-v) : v)));
    }

    internal Operand ApplyActivation(OnnxNode node, Activation activation) =>
        Apply(node, OpCatalog.Activate, [node.Input(0)], new ActivateAttributes(activation));

    private Operand Binary(OnnxNode node, BinaryOp op)
    {
        Operand a = node.Input(0), b = LegacyBroadcast(node, a, node.Input(1));
        return a.IsInteger && b.IsInteger ? IntegerArithmetic(node, a, b) : Apply(node, op, [a, b]);
    }

    /// <summary>Operators of any number of operands, as a chain of two each.</summary>
    private Operand Chain(OnnxNode node, BinaryOp op, string? name = null)
    {
        Operand result = node.Input(0);
        if (node.InputCount == 1) return result;
        if (result.IsInteger && node.InputCount == 2 && node.Input(1).IsInteger) return IntegerArithmetic(node, result, node.Input(1));
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
        Operand x = node.Input(0), exponent = LegacyBroadcast(node, x, node.Input(1));
        if (x.IsInteger && exponent.IsInteger) return IntegerArithmetic(node, x, exponent);
        if (exponent.IsInteger) exponent = ToFloats(exponent);
        // Squares are common, have a simple gradient, and are right for negative numbers.
        if (exponent is { IsConstant: true, Shape.ElementCount: 1 } && exponent.Data!.Floats[0] == 2 && exponent.Rank <= x.Rank)
        {
            return Apply(node, OpCatalog.Multiply, [x, x]);
        }

        return Apply(node, OpCatalog.Power, [x, exponent]);
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
            (0, float.PositiveInfinity) => ApplyActivation(node, Activation.Relu),
            (0, 6) => ApplyActivation(node, Activation.Relu6),
            _ => ApplyActivation(node, Activation.Clip(minimum, maximum)),
        };
    }

    private static float Bound(OnnxNode node, int index, float otherwise)
    {
        if (node.Optional(index) is not Operand operand) return otherwise;
        TensorData data = RequireConstant(node, operand, "a bound");
        if (data.Type.Shape.ElementCount != 1) throw node.Fail($"the bound '{operand.Name}' has shape {data.Type.Shape}, expected one number");
        return float.IsNaN(data.Floats[0]) ? throw node.Fail($"the bound '{operand.Name}' is NaN") : data.Floats[0];
    }

    private Operand Cast(OnnxNode node)
    {
        Operand x = node.Input(0);
        Proto.TensorProto.Types.DataType target = CastTarget(node);
        switch (target)
        {
            case Proto.TensorProto.Types.DataType.Float or Proto.TensorProto.Types.DataType.Float16 or Proto.TensorProto.Types.DataType.Bfloat16
                or Proto.TensorProto.Types.DataType.Double:
                if (x.QuantizedInput is not null) return RealOf(node, x, new Quantization([1], [0]));
                if (x.Grid is not null) throw node.Unsupported("of an 8-bit activation");
                return x.IsInteger ? ToFloats(x) : x;
            default:
                return x.IsConstant ? CastConstant(node, x, target) : throw node.Unsupported($"to {target}");
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

    private Operand Dropout(OnnxNode node)
    {
        // An operand since operator set 12. Tuning adds what it needs by itself.
        _leftInTraining |= node.Optional(2) is { IsInteger: true } training && Array.Exists(Integers(node, training), static v => v != 0);
        return node.Input(0);
    }
}
