using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Architectures;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// Published files with float16 weights, and stock models rounded to 16 bits: what they hold stays so, and other programs compute with what is written.
/// </summary>
public sealed class HalfModelTests
{
    private static readonly CompileOptions OneThread = new() { Threads = 1 };

    public static TheoryData<string, string> Models => new()
    {
        { "SqueezeNet_fp16.onnx", "F16" },
        { "mobilenet_v2_1.0_224.safetensors", "F16" },
        { "squeezenet1.1.onnx", "F16" },
        { "mobilenet_v1_0.25_224_bn.onnx", "F16" },
        { "mobilenet_v1_0.25_224_1_metadata_1.tflite", "F16" },
        { "vww_96_float.tflite", "F16" },
        { "squeezenet1.1.onnx", "BF16" },
        { "mobilenet_v1_0.25_224_bn.onnx", "BF16" },
    };

    [Theory]
    [MemberData(nameof(Models))]
    public void Onnx_runtime_computes_with_written_halves(string file, string type)
    {
        DType half = Enum.Parse<DType>(type);
        Model model = Load(file, half);
        Assert.Contains(model.Graph.Values, value => value.IsConstant && value.Type.DType == half);
        byte[] exported = Ort.Export(model);
        int stored = ModelProto.Parser.ParseFrom(exported).Graph.Initializer.Count(
            tensor => tensor.DataType == (int)(half == DType.F16 ? TensorProto.Types.DataType.Float16 : TensorProto.Types.DataType.Bfloat16));
        Assert.Equal(model.Graph.Values.Count(value => value.IsConstant && value.Type.DType == half), stored);
        (float[] nhwc, float[] expected) = Run(model);
        foreach (bool optimized in (bool[])[true, false])
        {
            using Ort ort = new(exported, optimized);
            OnnxSweep.AssertClose(
                expected, ort.Run(OnnxSweep.ToNchw(nhwc, model.Graph.Inputs[0].Shape))[0], 1e-4, $"{file}, {type}, ONNX Runtime, optimized: {optimized}");
        }
    }

    [Fact]
    public void TensorFlow_Lite_computes_with_written_halves()
    {
        List<(string, byte[], float[])> jobs = [];
        List<(string Name, float[] Expected)> cases = [];
        foreach ((string file, string type) in Models.Select(row => row.Data))
        {
            Model model = Load(file, Enum.Parse<DType>(type));
            (float[] nhwc, float[] expected) = Run(model);
            using MemoryStream stream = new();
            model.Save(stream, ModelFormat.TfLite);
            foreach (string runtime in TfLiteRuntime.Names)
            {
                jobs.Add((runtime, stream.ToArray(), nhwc));
                cases.Add(($"{file}, {type}, {runtime}", expected));
            }
        }

        IReadOnlyList<(float[]? Output, string? Error)> results = TfLiteRuntime.Run(jobs);
        for (int i = 0; i < results.Count; i++)
        {
            Assert.True(results[i].Output is not null, $"{cases[i].Name}: {results[i].Error}");
            OnnxSweep.AssertClose(cases[i].Expected, results[i].Output!, 1e-4, cases[i].Name);
        }
    }

    /// <summary>Read and written again in the same format, the weights of layers are the file's own bytes.</summary>
    [Fact]
    public void A_published_file_keeps_the_bytes_of_its_weights()
    {
        string path = Assets.PathOf("models", "onnx", "SqueezeNet_fp16.onnx");
        GraphProto before = ModelProto.Parser.ParseFrom(File.ReadAllBytes(path)).Graph, after = ModelProto.Parser.ParseFrom(Ort.Export(Model.Load(path))).Graph;
        Dictionary<string, byte[]> written = after.Initializer.ToDictionary(tensor => tensor.Name, tensor => tensor.RawData.ToByteArray());
        int compared = 0;
        foreach (NodeProto node in before.Node.Where(node => node.OpType == "Conv"))
        {
            foreach (string name in node.Input.Skip(1))
            {
                Assert.Equal(before.Initializer.Single(tensor => tensor.Name == name).RawData.ToByteArray(), written[name]);
                compared++;
            }
        }

        Assert.Equal(52, compared);
    }

    [Theory]
    [MemberData(nameof(Models))]
    public void Both_formats_keep_bits_of_results_and_halve_the_file(string file, string type)
    {
        DType half = Enum.Parse<DType>(type);
        Model model = Load(file, half);
        Model widened = new(Widened(model.Graph), model.Info);
        foreach (ModelFormat format in Enum.GetValues<ModelFormat>())
        {
            (Model halves, long bytes) = Written(model, format);
            (Model floats, long floatBytes) = Written(widened, format);
            Assert.Equal(Run(floats).Output, Run(halves).Output);
            if (format == ModelFormat.Onnx || half == DType.F16) Assert.InRange(bytes, floatBytes * 0.45, floatBytes * 0.6);
        }
    }

    private static (Model Model, long Bytes) Written(Model model, ModelFormat format)
    {
        using MemoryStream stream = new();
        model.Save(stream, format);
        stream.Position = 0;
        return (Model.Load(stream, "written"), stream.Length);
    }

    private static Graph Widened(Graph graph)
    {
        Passes.GraphRewriter rewriter = new(graph);
        foreach (Value value in graph.Values)
        {
            if (value.Constant is TensorData data) rewriter.Set(value, rewriter.Builder.Constant(value.Name, data.ToF32()));
        }

        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return rewriter.Build();
    }

    private static Model Load(string file, DType half)
    {
        if (Path.GetExtension(file) == ".safetensors")
        {
            Graph network = MobileNetV2.Architecture.Build(new ArchitectureOptions { Classes = 1000 });
            return new Model(WeightLoader.Load(network, WeightFile.Load(Assets.PathOf("models", "safetensors", file))).Graph, new ModelInfo
            {
                Name = file,
                Preprocessing = Preprocessing.Preset("imagenet", 224, 224),
            });
        }

        Model model = Model.Load(Assets.PathOf("models", Path.GetExtension(file)[1..], file));
        return file.Contains("fp16", StringComparison.Ordinal) ? model : Halves.Of(model, half).Half;
    }

    private static (float[] Input, float[] Output) Run(Model model)
    {
        using Executable executable = Executable.Compile(model.Graph, 1, OneThread);
        float[] nhwc = new float[executable.Input().Length];
        Rng random = new(7);
        bool isBytes = model.Info.Name.Contains("fp16", StringComparison.Ordinal);
        for (int i = 0; i < nhwc.Length; i++) nhwc[i] = random.Uniform(-1, 1) * (isBytes ? 100 : 1);
        nhwc.CopyTo(executable.Input());
        executable.Run();
        return (nhwc, executable.Output().ToArray());
    }
}
