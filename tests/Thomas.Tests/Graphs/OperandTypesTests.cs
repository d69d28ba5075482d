using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Graphs;

public sealed class OperandTypesTests
{
    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    /// <summary>Who takes more than float32, and where. What stands here is meant: an operator that is not on the list takes F32 alone.</summary>
    [Fact]
    public void The_operators_that_take_more_than_F32()
    {
        string[] expected =
        [
            "ActivateBiasGradient 1 F32, F16 or BF16", "ActivateBiasGradient 1 I8 or U8",
            "ActivateGradient 1 I8 or U8",
            "Cast 0 F32, F16, BF16, I8, U8 or I32",
            .. Enumerable.Range(0, 7).Select(i => $"Concat {i} F32, I8 or U8"),
            "Conv2d 1 F32, F16 or BF16", "Conv2d 2 F32, F16 or BF16",
            "Conv2dFilterGradient 0 F32, F16 or BF16", "Conv2dFilterGradient 0 I8 or U8",
            "Conv2dInputGradient 1 F32, F16 or BF16",
            "Conv2dMoments 1 F32, F16 or BF16", "Conv2dMoments 2 F32, F16 or BF16",
            "ConvTranspose2d 1 F32, F16 or BF16",
            "Dense 1 F32, F16 or BF16", "Dense 2 F32, F16 or BF16",
            "DepthwiseConv2d 1 F32, F16 or BF16", "DepthwiseConv2d 2 F32, F16 or BF16",
            "DepthwiseConv2dGradient 0 F32, F16 or BF16", "DepthwiseConv2dGradient 0 I8 or U8", "DepthwiseConv2dGradient 2 F32, F16 or BF16",
            "DepthwiseConv2dInputGradient 1 F32, F16 or BF16",
            "DepthwiseConv2dMoments 1 F32, F16 or BF16", "DepthwiseConv2dMoments 2 F32, F16 or BF16",
            "Dequantize 0 I8 or U8", "DequantizeFilter 0 I8 or U8",
            .. Enumerable.Range(1, 6).Select(i => $"InvertedResidual {i} F32, F16 or BF16"),
            "LookUp 0 I8 or U8", "LookUpGradient 1 I8 or U8",
            "MatMul 0 F32, F16 or BF16", "MatMul 1 F32, F16 or BF16",
            "MaxPool2d 0 F32, I8 or U8",
            "Pad 0 F32, I8 or U8",
            "QuantizedAdd 0 I8 or U8", "QuantizedAdd 1 I8 or U8",
            "QuantizedAveragePool2d 0 I8 or U8",
            "QuantizedConv2d 0 I8 or U8", "QuantizedConv2d 1 I8 or U8", "QuantizedConv2d 2 I32",
            "QuantizedDepthwiseConv2d 0 I8 or U8", "QuantizedDepthwiseConv2d 1 I8 or U8", "QuantizedDepthwiseConv2d 2 I32",
            "QuantizedMultiply 0 I8 or U8", "QuantizedMultiply 1 I8 or U8",
            "QuantizedSoftmax 0 I8 or U8",
            "Reshape 0 F32, F16, BF16, I8, U8 or I32",
            "RoundedInputGradient 1 F32, I8 or U8",
            "Slice 0 F32, I8 or U8",
            "Transfer 0 F32, F16, BF16, I8, U8 or I32",
            "Transpose 0 F32, I8 or U8",
        ];
        Assert.Equal(
            expected,
            OpCases.All().SelectMany(test => test.Shapes.Select((_, i) => (test.Op.Name, i, Types: test.Op.OperandTypes(i, test.Attributes))))
                .Where(operand => operand.Types != ElementTypes.F32).Select(operand => $"{operand.Name} {operand.i} {operand.Types.Describe()}").Distinct()
                .Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_type_that_an_operator_does_not_name_is_refused(string name)
    {
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name).Take(4))
        {
            for (int operand = 0; operand < test.Shapes.Length; operand++)
            {
                ElementTypes taken = test.Op.OperandTypes(operand, test.Attributes);
                foreach (DType type in Enum.GetValues<DType>())
                {
                    GraphBuilder builder = new();
                    bool moves = MovesSteps(test.Op, taken, type);
                    Value[] values = [.. test.Shapes.Select(
                        (_, i) => builder.Input($"x{i}", i == operand || moves ? test.Type(i) with { DType = type } : test.Type(i)))];
                    if (taken.Contains(type))
                    {
                        // Grids have a type of their own.
                        if (test.Types.Length > 0 && !moves && type != test.Types[operand]) continue;

                        // What takes any type hands it on; what computes, computes float32.
                        Node node = builder.AddNode(test.Op, values, test.Attributes, "node");
                        DType expected = test.Attributes is CastAttributes a ? a.Target : taken == ElementTypes.All || moves ? type
                            : test.Types.Length == 0 && test.Op is not (Quantize or RoundWeights or RoundBias) ? DType.F32
                            : test.Op.InferTypes([.. values.Select(value => value.Type)], test.Attributes)[0].DType;
                        Assert.All(node.Outputs.Take(test.Op is RoundWeights ? 1 : int.MaxValue), output => Assert.Equal(expected, output.Type.DType));
                        Graph graph = builder.Build([.. node.Outputs]);
                        if (test.Op.UpdatedInput(0) < 0) GraphVerifier.Verify(graph);
                        continue;
                    }

                    GraphException e = Assert.Throws<GraphException>(() => builder.AddNode(test.Op, values, test.Attributes, "node"));
                    Assert.Contains(
                        $"{name} 'node': operand {operand} (%x{operand}: {type}{test.Shapes[operand]}) holds {type}; it must be {taken.Describe()}.", e.Message,
                        StringComparison.Ordinal);
                }
            }
        }
    }

    /// <summary>Whether an operator moves elements of 8 bits as it moves float32; all its operands have one type then.</summary>
    private static bool MovesSteps(Op op, ElementTypes taken, DType type) =>
        op is not RoundedInputGradient && taken == (ElementTypes.F32 | ElementTypes.I8 | ElementTypes.U8) && taken.Contains(type);

    [Fact]
    public void The_text_of_a_graph_shows_the_types_of_weights_and_variables()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 3)));
        Value w = b.Constant("w", Halves.To(TensorData.FromFloats(new Shape(2, 3), new float[6]), DType.F16));
        Value v = b.Variable(new Variable("v", new TensorType(DType.I8, new Shape(2)), VariableKind.Weight));
        Value bias = b.Add(OpCatalog.Cast, [v], new CastAttributes(DType.F32), "bias");
        string text = GraphDump.ToText(b.Build(b.Add(OpCatalog.Dense, [x, w, bias], new DenseAttributes(HasBias: true), "y")));
        Assert.Contains("%bias: F32[2] = Cast(%v: I8[2]) CastAttributes { Target = F32 }", text, StringComparison.Ordinal);
        Assert.Contains("%y: F32[1,2] = Dense(%x, %w: F16[2,3], %bias)", text, StringComparison.Ordinal);
    }
}
