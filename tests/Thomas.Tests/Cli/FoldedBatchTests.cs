using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>
/// Files with the batch of 1 written into their reshapes, as Keras writes a dense layer on a feature map and Edge Impulse its standard block: every
/// command takes them, whatever batch it works with.
/// </summary>
public sealed class FoldedBatchTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Theory]
    [InlineData("folded.onnx")]
    [InlineData("folded.tflite")]
    public void Every_command_takes_them(string name)
    {
        string model = Folded(name), data = _files.Data(perClass: 6);
        Assert.Equal(0, CliRun.Of("classify", model, data).Code);
        Ok("tune", model, "--data", data, "--epochs", "2", "-o", _files[$"last-{name}"], "--threads", "1");
        Ok("evaluate", _files[$"last-{name}"], "--data", data, "--threads", "1");
        string table = Ok("plan", model, "--batch", "4", "--threads", "1").Out;
        foreach (string policy in (string[])["last", "last:2", "all"])
        {
            Assert.Contains(policy, table, StringComparison.Ordinal);
            Ok("tune", model, "--data", data, "--update", policy, "--epochs", "1", "--batch", "4", "-o", _files[$"{policy.Replace(':', '-')}-all-{name}"],
                "--threads", "1");
        }

        Ok("tune", model, "--data", data, "--update", "all", "--memory", "1GiB", "--epochs", "1", "--batch", "4", "-o", _files[$"memory-{name}"], "--threads",
            "1");
    }

    [Fact]
    public void A_plan_without_a_row_is_an_error_that_says_why()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--memory", "1KiB", "--threads", "1");
        Assert.NotEqual(0, run.Code);
        Assert.Empty(run.Out);
        Assert.Contains("does not fit", run.Error, StringComparison.Ordinal);
    }

    private static CliRun Ok(params string[] arguments)
    {
        CliRun run = CliRun.Of(arguments);
        Expect.True(run.Code == 0, $"{string.Join(' ', arguments)}: {run.Error}");
        return run;
    }

    private string Folded(string name)
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, CliFixture.Side, CliFixture.Side, 3)));
        Value y = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("conv", 1, 8, 3, 3, 3)], new Conv2dAttributes(new Window2d(3, 3, 2, 2, 1, 1, default), Activation: Activation.Relu),
            "features");
        y = b.Add(OpCatalog.Reshape, [y], new ReshapeAttributes(new IntList(9, 8)), "rows");
        y = b.Add(OpCatalog.Dense, [y, b.Weights("mix", 2, 6, 8), b.Weights("mix.bias", 3, 6)], new DenseAttributes(HasBias: true, Activation.Relu), "mixed");
        y = b.Add(OpCatalog.Reshape, [y], new ReshapeAttributes(new IntList(1, 3, 3, 6)), "map");
        y = b.Add(OpCatalog.Reduce, [y], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: true), "mean");
        y = b.Add(OpCatalog.Reshape, [y], new ReshapeAttributes(new IntList(1, 6)), "pooled");
        y = b.Add(OpCatalog.Dense, [y, b.Weights("head", 4, 4, 6), b.Weights("bias", 5, 4)], new DenseAttributes(HasBias: true), "scores");
        y = b.Add(OpCatalog.Softmax, [y], new SoftmaxAttributes(), "probabilities");
        new Model(b.Build(y), new ModelInfo { Name = "folded", Preprocessing = Preprocessing.Preset("unit", CliFixture.Side, CliFixture.Side) }).Save(
            _files[name]);
        return _files[name];
    }
}
