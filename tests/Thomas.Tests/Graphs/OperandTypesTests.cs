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
            "ActivateBiasGradient 1 F32, F16 or BF16",
            "Cast 0 F32, F16, BF16, I8, U8 or I32",
            "Conv2d 1 F32, F16 or BF16", "Conv2d 2 F32, F16 or BF16",
            "Conv2dFilterGradient 0 F32, F16 or BF16",
            "Conv2dInputGradient 1 F32, F16 or BF16",
            "Conv2dMoments 1 F32, F16 or BF16", "Conv2dMoments 2 F32, F16 or BF16",
            "ConvTranspose2d 1 F32, F16 or BF16",
            "Dense 1 F32, F16 or BF16", "Dense 2 F32, F16 or BF16",
            "DepthwiseConv2d 1 F32, F16 or BF16", "DepthwiseConv2d 2 F32, F16 or BF16",
            "DepthwiseConv2dGradient 0 F32, F16 or BF16", "DepthwiseConv2dGradient 2 F32, F16 or BF16",
            "DepthwiseConv2dInputGradient 1 F32, F16 or BF16",
            "DepthwiseConv2dMoments 1 F32, F16 or BF16", "DepthwiseConv2dMoments 2 F32, F16 or BF16",
            .. Enumerable.Range(1, 6).Select(i => $"InvertedResidual {i} F32, F16 or BF16"),
            "MatMul 0 F32, F16 or BF16", "MatMul 1 F32, F16 or BF16",
            "Reshape 0 F32, F16, BF16, I8, U8 or I32",
            "Transfer 0 F32, F16, BF16, I8, U8 or I32",
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
                    Value[] values = [.. test.Shapes.Select((shape, i) => builder.Input($"x{i}", new TensorType(i == operand ? type : DType.F32, shape)))];
                    if (taken.Contains(type))
                    {
                        // What takes any type hands it on; what computes, computes float32.
                        Node node = builder.AddNode(test.Op, values, test.Attributes, "node");
                        DType expected = test.Attributes is CastAttributes a ? a.Target : taken == ElementTypes.All ? type : DType.F32;
                        Assert.All(node.Outputs, output => Assert.Equal(expected, output.Type.DType));
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
