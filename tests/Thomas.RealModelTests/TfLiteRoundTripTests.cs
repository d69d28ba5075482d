using System;
using System.Diagnostics;
using System.IO;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

public sealed class TfLiteRoundTripTests
{
    private const int Variants = 200;

    public static TheoryData<string> AllImportable => TfLiteModels.Importable;

    [Theory]
    [MemberData(nameof(AllImportable))]
    public void Exported_models_compute_the_same_when_read_back(string name)
    {
        Model model = TfLiteModels.Load(name);
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.TfLite);
        Model read = ModelFiles.Load(stream.ToArray(), name);
        GraphVerifier.Verify(read.Graph);
        Assert.Equal(model.Info.Name, read.Info.Name);
        Assert.Equal(model.Info.Labels, read.Info.Labels);
        Assert.Equal(model.Info.Preprocessing, read.Info.Preprocessing);
        Assert.Equal(model.Info.Metadata, read.Info.Metadata);
        Assert.Equal(model.Info.InputLayout, read.Info.InputLayout);
        Assert.Equal(model.Info.BatchIsSymbolic, read.Info.BatchIsSymbolic);
        Assert.Equal(RoundsToGrids(model.Graph), read.Info.IsQuantized);
        Assert.Equal(model.Graph.Inputs[0].Name, read.Graph.Inputs[0].Name);
        Assert.Equal(model.Graph.Outputs[0].Name, read.Graph.Outputs[0].Name);
        using Executable first = Executable.Compile(model.Graph), second = Executable.Compile(read.Graph);
        for (int picture = 0; picture < 3; picture++)
        {
            float[] input = TfLiteModels.Picture(model, picture), expected = TfLiteModels.Run(first, input), actual = TfLiteModels.Run(second, input);
            float range = 0;
            foreach (float value in expected) range = Math.Max(range, Math.Abs(value));
            for (int i = 0; i < expected.Length; i++) Assert.True(Math.Abs(expected[i] - actual[i]) <= 1e-5f * range, $"{name}: output {i} is {actual[i]}, expected {expected[i]}");
        }
    }

    [Theory]
    [InlineData("cifar10_resnet8_int8.tflite")]
    [InlineData("person_detect.tflite")]
    [InlineData("cifar10_resnet8_float.tflite")]
    [InlineData("mobilenet_v2_035_96_embedder_with_metadata.tflite")]
    [InlineData("mobilenet_v1_0.25_128_quant.tflite")]
    public void Damaged_files_are_refused_or_harmless(string name)
    {
        byte[] file = TfLiteModels.Bytes(name);
        Random random = new(name.Length);
        for (int i = 0; i < Variants; i++)
        {
            // Half of the wrong bytes fall where the tables are, not the weights: behind or before the bulk of them.
            int at = i % 2 == 0 ? random.Next(file.Length) : i % 4 == 1 ? random.Next(Math.Min(file.Length, 1 << 15)) : file.Length - 1 - random.Next(Math.Min(file.Length, 1 << 15));
            byte right = file[at];
            file[at] = (byte)random.Next(256);
            Load(i % 10 == 0 ? file[..at] : file, $"{name}, byte {at} = {file[at]}");
            file[at] = right;
        }
    }

    private static bool RoundsToGrids(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is FakeQuantize) return true;
        }

        return false;
    }

    private static void Load(byte[] file, string what)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Stopwatch watch = Stopwatch.StartNew();
        try
        {
            _ = ModelFiles.Load(file, "fuzzed");
        }
        catch (ModelFormatException)
        {
            // What a damaged file should give.
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.True(allocated <= (64L << 20) + (4L * file.Length), $"{what}: {allocated} bytes allocated");
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(2), $"{what}: {watch.Elapsed}");
    }
}
