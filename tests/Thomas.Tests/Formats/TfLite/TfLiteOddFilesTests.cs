using System;
using System.Threading.Tasks;
using Thomas.Formats.TfLite;
using Thomas.Formats.TfLite.Schema;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats.TfLite;

/// <summary>Files with several signatures, and with sparse weights.</summary>
public sealed class TfLiteOddFilesTests
{
    private static readonly float[] Four = TestGraphs.Noise(4, 7);

    /// <summary>Graph 0 negates, graph 1 squares.</summary>
    private static byte[] TwoGraphs(BuiltinOperator first, params (string Key, int Graph)[] signatures)
    {
        HandMadeTfLite file = new();
        foreach (BuiltinOperator code in (BuiltinOperator[])[first, BuiltinOperator.SQUARE])
        {
            int x = file.Tensor("x", [1, 4]), y = file.Tensor("y", [1, 4]);
            file.Operator(code, [x], y);
            file.Graph(x, y);
        }

        foreach ((string key, int graph) in signatures) file.Signature(key, graph);
        return file.Finish();
    }

    [Fact]
    public void The_graph_of_the_signature_for_serving_is_read()
    {
        Model model = TfLiteReader.Read(TwoGraphs(BuiltinOperator.NEG, ("extract", 0), ("serving_default", 1)), "two.tflite");
        Assert.Equal(Array.ConvertAll(Four, static v => v * v), TestGraphs.Run(model.Graph, TestGraphs.Oracle));
        Assert.Contains(model.Info.Notes, static note => note.Contains("'serving_default'", StringComparison.Ordinal));
    }

    [Fact]
    public void Without_one_for_serving_it_is_the_first()
    {
        Model model = TfLiteReader.Read(TwoGraphs(BuiltinOperator.NEG, ("other", 1), ("one", 0)), "two.tflite");
        Assert.Equal(Array.ConvertAll(Four, static v => -v), TestGraphs.Run(model.Graph, TestGraphs.Oracle));
        Assert.Contains(model.Info.Notes, static note => note.Contains("the first is read", StringComparison.Ordinal));
    }

    [Fact]
    public void A_graph_that_cannot_stand_alone_is_refused_with_the_signatures_names()
    {
        UnsupportedModelException e = Assert.Throws<UnsupportedModelException>(
            () => TfLiteReader.Read(TwoGraphs(BuiltinOperator.READ_VARIABLE, ("infer", 0), ("train", 1)), "train.tflite"));
        Assert.Contains(
            e.Operators, static line => line.Contains("2 graphs", StringComparison.Ordinal) && line.Contains("'infer', 'train'", StringComparison.Ordinal));
        Assert.Contains(e.Operators, static line => line.Contains("READ_VARIABLE", StringComparison.Ordinal));
        Assert.Throws<ModelFormatException>(() => TfLiteReader.Read(TwoGraphs(BuiltinOperator.NEG, ("serving_default", 2)), "beyond.tflite"));
    }

    private static byte[] Sparse(int bits, bool blocks, int[]? segments = null, bool densify = true)
    {
        HandMadeTfLite file = new();
        int sparsity = blocks
            ? file.Sparsity([0, 1, 2], [1], bits, (2, null, null), (0, segments ?? [0, 1, 2], [1, 0]), (2, null, null))
            : file.Sparsity([0, 1], [], bits, (2, null, null), (0, segments ?? [0, 1, 3], [2, 0, 3]));
        int x = file.Tensor("x", [1, 4]), stored = file.Tensor("stored", [2, 4], blocks ? [1, 2, 3, 4] : [5, 7, -1], sparsity), weights = densify
            ? file.Tensor("weights", [2, 4])
            : stored, y = file.Tensor("y", [1, 2]);
        if (densify) file.Operator(BuiltinOperator.DENSIFY, [stored], weights);
        file.Operator(BuiltinOperator.FULLY_CONNECTED, [x, weights, -1], y);
        file.Graph(x, y);
        return file.Finish();
    }

    [Fact]
    public async Task Sparse_levels_that_hold_nothing_are_refused_and_not_walked()
    {
        HandMadeTfLite file = new();
        int sparsity = file.Sparsity([0, 1, 2], [], 32, (int.MaxValue, null, null), (int.MaxValue, null, null), (0, null, null));
        int x = file.Tensor("x", [1, 4]), stored = file.Tensor("stored", [2, 4, 1], [1], sparsity), y = file.Tensor("y", [2, 4, 1]);
        file.Operator(BuiltinOperator.DENSIFY, [stored], y);
        file.Graph(x, y);
        byte[] bytes = file.Finish();
        Task<ModelFormatException> read = Task.Run(
            () => Assert.Throws<ModelFormatException>(() => TfLiteReader.Read(bytes, "empty.tflite")), TestContext.Current.CancellationToken);
        ModelFormatException e = await read.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Contains("has the size 0 at level 2", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(32, false, true)]
    [InlineData(16, false, true)]
    [InlineData(8, false, true)]
    [InlineData(32, true, true)]
    [InlineData(8, true, false)]
    public void Sparse_weights_are_spread(int bits, bool blocks, bool densify)
    {
        Model model = TfLiteReader.Read(Sparse(bits, blocks, densify: densify), "sparse.tflite");
        float[] weights = blocks ? [0, 0, 1, 2, 3, 4, 0, 0] : [0, 0, 5, 0, 7, 0, 0, -1];
        Assert.Equal(weights, Assert.Single(model.Graph.Nodes).Inputs[1].Constant!.Floats.ToArray());
    }

    [Fact]
    public void Levels_that_do_not_fit_are_errors()
    {
        foreach (int[] segments in (int[][])[[0, 1], [0, 1, 4], [0, 2, 1], [0, 1, 2], [0, 3, 3, 3], [-1, 1, 3]])
        {
            Exception? e = Record.Exception(() => TfLiteReader.Read(Sparse(32, false, segments), "sparse.tflite"));
            if (segments is [0, 3, ..]) Assert.Null(e);
            else Assert.IsType<ModelFormatException>(e);
        }
    }
}
