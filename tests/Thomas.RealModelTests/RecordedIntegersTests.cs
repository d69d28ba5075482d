using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// The recorded scores of 8-bit files come from Arm NN's reference backend, which computes every layer in float32 and rounds halves away from zero: no byte of
/// it needs to be ours, but no layer may differ by more than a step from it.
/// </summary>
public sealed class RecordedIntegersTests(ITestOutputHelper output)
{
    private static readonly CompileOptions Integers = new() { Threads = 1 }, Reals = Integers with { PassesOff = ["lower-quantized"] };

    // Integers are the same on every machine, so these are the largest differences, not bounds with a margin. Two files end in a softmax, which turns a step of
    // the logits into up to 7 and 10 of its own.
    [Theory]
    [InlineData("mobilenet_v2_1.0_224_quant.tflite", 224, 3)]
    [InlineData("mobilenet_v1_0.25_128_quant.tflite", 128, 7)]
    [InlineData("tf2_mobilenet_v2_1.0_224_ptq.tflite", 224, 13)]
    public void Recorded_scores_are_near(string name, int side, int most)
    {
        Model model = TfLiteModels.Load(name);
        (int Index, double Score)[][] golden = TfLiteModels.Top5(name);
        byte[] pixels = TfLiteModels.Images(side).Values;
        int length = pixels.Length / golden.Length;
        StepGrid first = Grid(model.Graph.Inputs[0].Consumers[0]), last = Grid(model.Graph.Outputs[0].Producer!);
        int largest = 0, largestOfReals = 0;
        int[] counts = new int[64];
        using Executable integers = Executable.Compile(model.Graph, 1, Integers), reals = Executable.Compile(model.Graph, 1, Reals);
        for (int i = 0; i < golden.Length; i++)
        {
            float[] image = Array.ConvertAll(pixels[(i * length)..((i + 1) * length)], pixel => first.Real(pixel + first.Minimum));
            float[] scores = TfLiteModels.Run(integers, image), emulated = TfLiteModels.Run(reals, image);
            foreach ((int index, double score) in golden[i])
            {
                int difference = last.Step(scores[index]) - last.Minimum - (int)score;
                counts[Math.Abs(difference)]++;
                largest = Math.Max(largest, Math.Abs(difference));
                largestOfReals = Math.Max(largestOfReals, Math.Abs(last.Step(emulated[index]) - last.Minimum - (int)score));
            }
        }

        output.WriteLine($"{name}: {string.Join(", ", counts[..(largest + 1)])} scores differ by 0, 1, ... steps; in float32 by {largestOfReals} at most");
        Assert.True(largest <= most, $"{name}: a score differs by {largest} steps");
    }

    /// <summary>Each layer by itself, with the integers that the layers before it gave: in integers, and in float32.</summary>
    [Theory]
    [InlineData("mobilenet_v2_1.0_224_quant.tflite", 224, 64)]
    [InlineData("mobilenet_v1_0.25_128_quant.tflite", 128, 30)]
    [InlineData("tf2_mobilenet_v2_1.0_224_ptq.tflite", 224, 67)]
    public void No_layer_is_more_than_a_step_from_its_real_numbers(string name, int side, int expected)
    {
        Model model = TfLiteModels.Load(name);
        byte[] pixels = TfLiteModels.Images(side).Values;
        int length = side * side * 3, layers = 0;
        long differ = 0, all = 0;
        StepGrid first = Grid(model.Graph.Inputs[0].Consumers[0]);
        float[] image = Array.ConvertAll(pixels[..length], pixel => first.Real(pixel + first.Minimum));
        List<Value> rounded = [];
        foreach (Node node in model.Graph.Nodes)
        {
            if (node.Op is FakeQuantize) rounded.Add(node.Output);
        }

        Dictionary<Value, float[]> numbers = [];
        GraphRewriter rewriter = new(model.Graph);
        foreach (Node node in model.Graph.Nodes) rewriter.Copy(node);
        using Executable shown = Executable.Compile(rewriter.Builder.Build(rounded.ConvertAll(rewriter.Map).ToArray()), 1, Integers);
        image.CopyTo(shown.Input());
        shown.Run();
        for (int i = 0; i < rounded.Count; i++) numbers.Add(rounded[i], shown.Fetch(i).ToArray());
        foreach (Value value in rounded)
        {
            if (value.Producer!.Inputs[0].IsInput) continue;
            float[] real = Alone(model.Graph, value, numbers), integer = numbers[value];
            StepGrid grid = Grid(value.Producer!);
            int worst = 0;
            Assert.Equal(integer.Length, real.Length);
            for (int i = 0; i < real.Length; i++)
            {
                int difference = Math.Abs(grid.Step(real[i]) - grid.Step(integer[i]));
                worst = Math.Max(worst, difference);
                differ += difference > 0 ? 1 : 0;
            }

            all += real.Length;
            layers++;
            Assert.True(worst <= 1, $"{name}, {value}: {worst} steps");
        }

        output.WriteLine($"{name}: {layers} layers, {differ} of {all} numbers a step apart");
        Assert.Equal(expected, layers);
        Assert.True(differ < all / 10_000);
    }

    /// <summary>What rounds to a value, in float32, from the roundings before it.</summary>
    private static float[] Alone(Graph graph, Value value, Dictionary<Value, float[]> numbers)
    {
        GraphBuilder builder = new();
        Dictionary<Value, Value> made = [];
        List<float[]> inputs = [];
        Value result = Made(value, isFirst: true);
        using Executable executable = Executable.Compile(builder.Build(result), 1, Reals);
        for (int i = 0; i < inputs.Count; i++) executable.Write(i, inputs[i]);
        executable.Run();
        return executable.Fetch(0).ToArray();

        Value Made(Value old, bool isFirst)
        {
            if (made.TryGetValue(old, out Value? known)) return known;
            Value copy;
            if (old.Constant is { } data) copy = builder.Constant(old.Name, data);
            else if (!isFirst && numbers.TryGetValue(old, out float[]? given))
            {
                copy = builder.Input($"in{inputs.Count}", old.Type);
                inputs.Add(given);
            }
            else
            {
                Node node = old.Producer!;
                Value[] operands = new Value[node.Inputs.Count];
                for (int i = 0; i < operands.Length; i++) operands[i] = Made(node.Inputs[i], isFirst: false);
                copy = builder.Add(node.Op, operands, node.Attributes, node.Name);
            }

            made.Add(old, copy);
            return copy;
        }
    }

    private static StepGrid Grid(Node node)
    {
        while (node.Op is not FakeQuantize) node = node.Inputs[0].Producer!;
        return StepGrid.Of((FakeQuantizeAttributes)node.Attributes)!.Value;
    }
}
