using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// 8-bit models that run dequantized sum real products in float32, in an order that each runtime chooses; a sum next to the middle between two steps of a
/// grid may then round either way, and later layers amplify that. So these are compared stage by stage, from one rounding to the next, each stage fed the
/// same numbers: ONNX Runtime must agree everywhere but in a few sums, and there to one step.
/// </summary>
public sealed class QuantizedStagesTests(ITestOutputHelper output)
{
    /// <summary>Of all results of a model; measured are 1.3e-5 and below.</summary>
    private const double LargestShare = 2e-5;

    /// <summary>The models whose outputs in ONNX Runtime differ by such steps; all others agree in every bit.</summary>
    public static TheoryData<string> Models { get; } =
    [
        "mobilenet_v1_0.25_128_quant.tflite",
        "mobilenet_v2_1.0_224_quant.tflite",
        "mobilenet_v2_quantized_1x3x224x224.tflite",
        "tf2_mobilenet_v2_1.0_224_ptq.tflite",
    ];

    [Theory]
    [MemberData(nameof(Models))]
    public void Onnx_runtime_agrees_on_every_stage(string name)
    {
        Graph graph = TfLiteModels.Load(name).Graph;
        Dictionary<Value, float[]> known = Roundings(graph, TfLiteModels.Image(TfLiteModels.Load(name), 1));
        long elements = 0, flipped = 0;
        int stages = 0;
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not FakeQuantize) continue;
            float step = ((FakeQuantizeAttributes)node.Attributes).Quantization.Scales[0];
            Graph stage = Stage(node, known, out List<Value> boundary);
            float[][] inputs = new float[boundary.Count][];
            for (int i = 0; i < inputs.Length; i++) inputs[i] = OnnxSweep.ToNchw(known[boundary[i]], boundary[i].Shape);
            using Ort ort = new(Ort.Export(new Model(stage, new ModelInfo { Name = node.Name })));
            float[] expected = known[node.Output], actual = ort.Run(inputs)[0];
            Assert.Equal(expected.Length, actual.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                double steps = Math.Abs(expected[i] - (double)actual[i]) / step;
                if (steps < 1e-3) continue;
                flipped++;
                Assert.True(steps <= 1.001, $"{name}, stage '{node.Name}': element {i} is {actual[i]}, expected {expected[i]}, {steps} steps");
            }

            elements += expected.Length;
            stages++;
        }

        output.WriteLine($"{name}: {flipped} of {elements} results of {stages} stages differ by one step");
        Assert.True(stages > 20);
        Assert.True(flipped <= LargestShare * elements, $"{name}: {flipped} of {elements} results differ by one step");
    }

    /// <summary>What every rounding of the graph, and its input, holds for an image.</summary>
    private static Dictionary<Value, float[]> Roundings(Graph graph, float[] image)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        List<Value> old = [], handedOut = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not FakeQuantize) continue;
            old.Add(node.Output);
            handedOut.Add(rewriter.Map(node.Output));
        }

        using Executable executable = Executable.Compile(
            rewriter.Builder.Build([.. handedOut]), 1, new CompileOptions { Threads = 1, PassesOff = ["lower-quantized"] });
        image.CopyTo(executable.Input());
        executable.Run();
        Dictionary<Value, float[]> known = new() { [graph.Inputs[0]] = image };
        for (int i = 0; i < old.Count; i++) known[old[i]] = executable.Output(i).ToArray();
        return known;
    }

    /// <summary>The nodes between the known values and a rounding, as a graph whose inputs are those values.</summary>
    private static Graph Stage(Node last, Dictionary<Value, float[]> known, out List<Value> boundary)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> map = [];
        List<Value> inputs = [];
        Value result = Copy(last.Output, isLast: true);
        boundary = inputs;
        return builder.Build(result);

        Value Copy(Value value, bool isLast)
        {
            if (map.TryGetValue(value, out Value? mapped)) return mapped;
            if (value.Constant is { } data) return map[value] = builder.Constant(value.Name, data);
            if (!isLast && known.ContainsKey(value))
            {
                inputs.Add(value);
                return map[value] = builder.Input(value.Name, value.Type);
            }

            Node node = value.Producer!;
            Value[] operands = new Value[node.Inputs.Count];
            for (int i = 0; i < operands.Length; i++) operands[i] = Copy(node.Inputs[i], isLast: false);
            return map[value] = builder.Add(node.Op, operands, node.Attributes, node.Name);
        }
    }
}
