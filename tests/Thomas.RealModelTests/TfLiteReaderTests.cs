using System;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

public sealed class TfLiteReaderTests
{
    public static TheoryData<string> AllImportable => TfLiteModels.Importable;

    [Theory]
    [MemberData(nameof(AllImportable))]
    public void Every_classifier_loads_and_runs(string name)
    {
        Model model = TfLiteModels.Load(name);
        GraphVerifier.Verify(model.Graph);
        using Executable executable = Executable.Compile(model.Graph);
        float[] first = TfLiteModels.Run(executable, TfLiteModels.Image(model, 0)), second = TfLiteModels.Run(executable, TfLiteModels.Image(model, 7));
        Assert.True(first.Length >= 2);
        Assert.All(first, value => Assert.True(float.IsFinite(value)));
        Assert.NotEqual(first, second);
        Assert.Equal(name.Contains("1x3x224", StringComparison.Ordinal) ? ImageLayout.Nchw : ImageLayout.Nhwc, model.Info.InputLayout);
        Assert.Contains(model.Graph.Inputs[0].Shape[3], new[] { 1, 3 });
    }

    [Theory]
    [InlineData("mobilenet_v1_0.25_224_1_metadata_1.tflite", 224, 127.5, 127.5, 1e-3)]
    [InlineData("mobilenet_v2_1.0_224_quant.tflite", 224, 128, 128, 0.0988930)]
    [InlineData("mobilenet_v1_0.25_128_quant.tflite", 128, 128, 128, 1.0 / 256)]
    [InlineData("tf2_mobilenet_v2_1.0_224_ptq.tflite", 224, 127, 127.5, 1.0 / 256)]
    public void The_recorded_top_five_are_reproduced(string name, int side, double mean, double std, double step)
    {
        Model model = TfLiteModels.Load(name);
        Assert.NotNull(model.Info.Preprocessing);
        Assert.Equal(mean, model.Info.Preprocessing.Mean.First, 1e-3);
        Assert.Equal(std, model.Info.Preprocessing.Std.First, 1e-2);
        Npy<byte> images = TfLiteModels.Images(side);
        (int Index, double Score)[][] golden = TfLiteModels.Top5(name);
        using Executable executable = Executable.Compile(model.Graph);
        double logitStep = LogitStep(model.Graph);
        int length = images.Values.Length / golden.Length;
        for (int i = 0; i < golden.Length; i++)
        {
            float[] input = Array.ConvertAll(
                images.Values[(i * length)..((i + 1) * length)], value => (value - model.Info.Preprocessing.Mean.First) / model.Info.Preprocessing.Std.First);
            float[] scores = TfLiteModels.Run(executable, input);
            int[] order = Descending(scores);
            for (int k = 0; k < 5; k++)
            {
                // Classes within one step of the output's grid are ties; where a softmax comes last, also within one step of the logits that it reads.
                float ours = scores[order[k]], recorded = scores[golden[i][k].Index];
                double lead = Math.Abs(ours - recorded), tie = step + (Math.Max(ours, recorded) * (1 - Math.Exp(-logitStep)));
                Assert.True(
                    lead <= tie * 1.001,
                    $"{name}, image {i}, rank {k}: class {order[k]} leads the recorded {golden[i][k].Index} by {lead / step} steps (tie: {tie / step})");
            }
        }
    }

    [Fact]
    public void Labels_and_normalization_come_from_the_metadata()
    {
        ModelInfo info = TfLiteModels.Load(TfLiteModels.Float).Info;
        Assert.NotNull(info.Labels);
        Assert.Equal(1001, info.Labels.Count);
        Assert.Equal("background", info.Labels[0]);
        Assert.Equal("tench", info.Labels[1]);
        Assert.Equal(new ChannelValues(127.5f), info.Preprocessing!.Mean);
        Assert.False(info.IsQuantized);
    }

    [Fact]
    public void Eight_bit_files_say_so()
    {
        ModelInfo info = TfLiteModels.Load("mobilenet_v2_1.0_224_quant.tflite").Info;
        Assert.True(info.IsQuantized);
        Assert.Contains(info.Notes, note => note.Contains("8-bit model", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("training_model.tflite", "VAR_HANDLE")]
    [InlineData("training_model_flex.tflite", "FlexSaveV2 (custom)")]
    public void Training_models_are_refused_with_everything_they_need(string name, string needs)
    {
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(() => TfLiteModels.Load($"tflite_training/{name}"));
        Assert.Contains(e.Operators, line => line.StartsWith(needs, StringComparison.Ordinal));
        Assert.Contains(e.Operators, line => line.Contains("graphs in one file", StringComparison.Ordinal));
    }

    /// <summary>The scale of the grid that a final softmax reads, or 0.</summary>
    private static double LogitStep(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not Softmax) continue;
            Node? producer = node.Inputs[0].Producer;
            while (producer?.Op is Reshape) producer = producer.Inputs[0].Producer;
            if (producer?.Attributes is FakeQuantizeAttributes grid) return grid.Quantization.Scales[0];
        }

        return 0;
    }

    private static int[] Descending(float[] scores)
    {
        int[] order = new int[scores.Length];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(order, (a, b) => scores[a] != scores[b] ? scores[b].CompareTo(scores[a]) : a.CompareTo(b));
        return order;
    }
}
