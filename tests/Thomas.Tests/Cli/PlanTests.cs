using System;
using System.Linq;
using System.Text.Json;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class PlanTests : IDisposable
{
    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Without_a_policy_all_that_the_model_allows_are_compared()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--batch", "4", "--threads", "1");
        Assert.Equal(0, run.Code);
        Assert.Empty(run.Error);
        foreach (string policy in new[] { "last ", "last:2", "bias", "all", "scratch" }) Assert.Contains($"\n{policy}", run.Out, StringComparison.Ordinal);
        Assert.Contains("norm: The policy 'norm' trains batch normalization, and this model has none left", run.Out, StringComparison.Ordinal);
        Assert.Contains("4 classes", run.Out, StringComparison.Ordinal);
        Assert.Contains("features of each picture once", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Its_json_holds_the_same()
    {
        JsonElement json = CliRun.Of("plan", _files.Model(), "--batch", "4", "--threads", "1", "--json").Json();
        JsonElement[] policies = [.. json.GetProperty("policies").EnumerateArray()];
        Assert.Equal(["last", "last:2", "last:3", "bias", "all", "scratch"], policies.Select(p => p.GetProperty("policy").GetString()));
        JsonElement all = policies[4];
        Assert.Equal((8 * 27) + 32 + 4, all.GetProperty("trainedParameters").GetInt64());
        Assert.Equal(all.GetProperty("totalBytes").GetInt64(), all.GetProperty("memory").EnumerateArray().Sum(part => part.GetProperty("bytes").GetInt64()));
        Assert.True(all.GetProperty("smallestBytes").GetInt64() <= all.GetProperty("totalBytes").GetInt64());
        Assert.True(all.GetProperty("secondsPerStep").GetDouble() > 0);
        Assert.Equal(4 * ((3 * 3 * 8 * 27) + 32), all.GetProperty("forwardMultiplyAdds").GetInt64());
        Assert.True(policies[0].GetProperty("secondsPerPictureOnce").GetDouble() > 0);
    }

    [Fact]
    public void One_policy_is_shown_in_detail()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--update", "all", "--batch", "4", "--threads", "1", "--optimizer", "adam");
        Assert.Equal(0, run.Code);
        foreach (string text in new[] { "policy         all:", "runs           1 x 4 pictures", "trained weights", "optimizer state", "activations", "workspace", "<- peak", "adam" })
            Assert.Contains(text, run.Out, StringComparison.Ordinal);
        JsonElement json = CliRun.Of("plan", _files.Model(), "--update", "all", "--batch", "4", "--threads", "1", "--json").Json().GetProperty("policies")[0];
        Assert.Equal(["conv.weight", "head", "bias"], json.GetProperty("trainedTensors").EnumerateArray().Select(name => name.GetString()));
        Assert.True(json.GetProperty("timeline").GetArrayLength() > 5);
    }

    [Fact]
    public void The_data_says_how_many_classes_there_are()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--data", _files.Data(perClass: 2), "--update", "last", "--threads", "1");
        Assert.Equal(0, run.Code);
        Assert.Contains("3 classes", run.Out, StringComparison.Ordinal);
        Assert.Contains("27 parameters trained", run.Out, StringComparison.Ordinal);
        Assert.Contains("192 B  features", run.Out, StringComparison.Ordinal);
        Assert.Contains("7 classes", CliRun.Of("plan", _files.Model(), "--classes", "7", "--update", "bias", "--threads", "1").Out, StringComparison.Ordinal);
    }

    [Fact]
    public void A_bound_is_kept_or_refused_with_the_smallest_that_works()
    {
        string[] question = ["plan", _files.Model(), "--update", "all", "--batch", "8", "--threads", "1"];
        CliRun refused = CliRun.Of([.. question, "--memory", "1KiB"]);
        Assert.Equal(3, refused.Code);
        string bound = refused.Error.Split("the smallest bound that works is ")[1].Split(". ")[0];
        CliRun run = CliRun.Of([.. question, "--memory", bound]);
        Assert.Equal(0, run.Code);
        Assert.Contains("runs ", run.Out, StringComparison.Ordinal);
        foreach (string stage in new[] { "pictures ", "features ", "last layer ", "network ", "saving ", "most at once " }) Assert.Contains(stage, run.Out, StringComparison.Ordinal);
        CliRun table = CliRun.Of("plan", _files.Model(), "--memory", "1KiB", "--threads", "1");
        Assert.Equal(3, table.Code);
        Assert.Contains("last: A run of 'last' does not fit 1KiB", table.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Sparse_takes_its_bound_from_the_policy()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--update", "sparse:1MiB", "--threads", "1");
        Assert.Equal(0, run.Code);
        Assert.Contains("policy         sparse:1MiB: 252 parameters trained in 3 tensors", run.Out, StringComparison.Ordinal);
        Assert.Equal(3, CliRun.Of("plan", _files.Model(), "--update", "sparse:1KiB", "--threads", "1").Code);
    }

    [Theory]
    [InlineData("--update best", "--update is 'best'; it must be last, last:N")]
    [InlineData("--memory much", "--memory is 'much'; it must be an amount of memory such as 64MiB")]
    [InlineData("--classes 1", "--classes is '1'")]
    [InlineData("--bn cold", "it must be one of frozen, live.")]
    [InlineData("--classes 3 --data d", "--data and --classes exclude each other")]
    public void Wrong_arguments_are_named(string options, string expected)
    {
        CliRun run = CliRun.Of(["plan", "m.onnx", .. options.Split(' ')]);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }
}
