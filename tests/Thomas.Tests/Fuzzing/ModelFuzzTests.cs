using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Formats.TfLite;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Fuzzing;

/// <summary>
/// Well-formed model files with something wrong in them: loaded, compiled, run, planned for training, written in both formats and read again.
/// </summary>
public sealed class ModelFuzzTests(ITestOutputHelper output)
{
    private const long RunnableOperations = 20_000_000, RunnableBytes = 64L << 20;
    private static readonly CompileOptions OneThread = new() { Threads = 1 };
    private static readonly Lazy<List<byte[]>> Onnx = new(() => [.. Sources().Select(model => Saved(model, ModelFormat.Onnx))]);
    private static readonly Lazy<List<Model>> Models = new(() => [.. Sources()]);

    [Fact]
    public void Changed_onnx_files_are_refused_or_work() =>
        new Fuzzer("onnx", output).Run(
            random => ProtoMutator.Mutate(random, ModelProto.Parser.ParseFrom(Onnx.Value[random.Next(Onnx.Value.Count)])), file => Use(file, "fuzzed.onnx"));

    [Fact]
    public void Changed_tflite_files_are_refused_or_work() =>
        new Fuzzer("tflite", output).Run(
            random => FlatMutator.Mutate(random, Models.Value[random.Next(Models.Value.Count)]), file => Use(file, "fuzzed.tflite"));

    private static IEnumerable<Model> Sources()
    {
        foreach ((string name, Func<Graph> make) in WrittenGraphs.All)
        {
            Graph graph = make();
            if (graph.Cost.MultiplyAdds + graph.Cost.Elementwise > RunnableOperations / 10) continue;
            Preprocessing? images = graph.Inputs[0].Shape is { Rank: 4 } shape ? Preprocessing.Preset("tf", shape[2], shape[1]) : null;
            yield return new Model(graph, new ModelInfo
            {
                Name = name,
                Labels = ["a", "b", "c"],
                Preprocessing = images,
                Metadata = new Dictionary<string, string> { ["key"] = "value" },
            });
        }

        yield return TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 3, ["a", "b", "c"]);
        yield return TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax, 3, ["a", "b", "c"]);
    }

    private static byte[] Saved(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        return stream.ToArray();
    }

    private static void Use(byte[] file, string name)
    {
        Model model = ModelFiles.Load(file, name);
        GraphVerifier.Verify(model.Graph);
        _ = GraphDump.ToText(model.Graph);
        _ = ModelChecks.NonFiniteConstants(model);
        Typed(() => Tuner.Describe(model));
        OpCost cost = model.Graph.Cost;
        if (cost.MultiplyAdds + cost.Elementwise < RunnableOperations)
        {
            if (CompiledGraph.Create(model.Graph, OneThread).SizeBytes < RunnableBytes) _ = TestGraphs.Run(model.Graph, OneThread);
            Typed(() => Classify(model));
            foreach (UpdateKind kind in (UpdateKind[])[UpdateKind.All, UpdateKind.Bias])
            {
                TrainingPlanOptions options = new() { Policy = new UpdatePolicy(kind), Batch = 2, Compile = OneThread };
                Typed(() => TrainingPlanner.Plan(model, options));
                Typed(() => TrainingPlanner.Smallest(model, options));
            }
        }

        foreach (ModelFormat format in (ModelFormat[])[ModelFormat.TfLite, ModelFormat.Onnx])
            Typed(() => ModelFiles.Load(Saved(model, format), $"written.{format}"));
    }

    private static IReadOnlyList<ClassScore> Classify(Model model)
    {
        using ImageClassifier classifier = new(model, null, OneThread);
        return classifier.Classify(new RgbImage(3, 2, new byte[18]));
    }

    /// <summary>What a model may be unfit for, if that is said.</summary>
    private static void Typed<T>(Func<T> action)
    {
        try
        {
            _ = action();
        }
        catch (ThomasException)
        {
            // Refused.
        }
    }
}
