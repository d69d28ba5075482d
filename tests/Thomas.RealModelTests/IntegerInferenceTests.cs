using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The 8-bit files of the assets in integers, byte for byte beside LiteRT as WebAssembly, which computes layers as applications do.</summary>
public sealed class IntegerInferenceTests(ITestOutputHelper output)
{
    private const int Images = 3;

    public static TheoryData<string> Files { get; } =
    [
        "cifar10_resnet8_int8.tflite", "mcunet_vww.tflite", "mobilenet_v1_0.25_128_quant.tflite", "mobilenet_v2_1.0_224_quant.tflite",
        "mobilenet_v2_quantized_1x3x224x224.tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite", "vww_96_int8.tflite",
    ];

    [Theory]
    [MemberData(nameof(Files))]
    public void LiteRt_computes_the_same_bytes(string name)
    {
        byte[] file = TfLiteModels.Bytes(name);
        Model model = TfLiteModels.Load(name);
        using Executable executable = Executable.Compile(model.Graph, 1, new CompileOptions { Threads = 2 });
        if (Environment.GetEnvironmentVariable("DUMP") is not null) foreach (Node node in executable.Graph.Nodes) output.WriteLine(GraphText(node));
        List<byte> fed = [], ours = [];
        Node start = model.Graph.Inputs[0].Consumers[0];
        while (start.Attributes is not FakeQuantizeAttributes) start = start.Output.Consumers[0];
        Grid? first = Grid.Of((FakeQuantizeAttributes)start.Attributes);
        Node end = model.Graph.Outputs[0].Producer!;
        while (end.Attributes is not FakeQuantizeAttributes) end = end.Inputs[0].Producer!;
        Grid? last = Grid.Of((FakeQuantizeAttributes)end.Attributes);
        bool floats = name == "mcunet_vww.tflite";
        for (int i = 0; i < Images; i++)
        {
            float[] image = TfLiteModels.Image(model, i);
            fed.AddRange(floats ? MemoryMarshal.AsBytes(image.AsSpan()).ToArray() : Steps(image, first!.Value));
            float[] scores = TfLiteModels.Run(executable, image);
            ours.AddRange(floats ? MemoryMarshal.AsBytes(scores.AsSpan()).ToArray() : Steps(scores, last!.Value));
        }

        (byte[]? theirs, string types, string? error) = TfLiteRuntime.RunBytes([(Environment.GetEnvironmentVariable("RT") ?? "litert", file, [.. fed])])[0];
        Assert.True(theirs is not null, error);
        Assert.Equal(ours.Count, theirs.Length);
        int differ = 0;
        for (int i = 0; i < theirs.Length; i++)
        {
            if (ours[i] != theirs[i] && differ++ < 8) output.WriteLine($"{i}: {ours[i]} {theirs[i]}");
        }

        output.WriteLine($"{name} ({types}): {differ} of {theirs.Length}");
        Assert.Equal(0, differ);
    }

    private static string GraphText(Node node) => $"{node.Output} = {node.Op.Name}({string.Join(", ", node.Inputs)}) {node.Attributes}";

    private static byte[] Steps(float[] real, Grid grid) => Array.ConvertAll(real, x => (byte)grid.Step(x));
}
