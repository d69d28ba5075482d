using System;
using System.Collections.Generic;
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
        Assert.Contains("norm: The policy 'norm' trains batch normalization, but this model has none left", run.Out, StringComparison.Ordinal);
        Assert.Contains("4 classes", run.Out, StringComparison.Ordinal);
        Assert.Contains("features of each image once", run.Out, StringComparison.Ordinal);
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
        Assert.True(policies[0].GetProperty("secondsPerImageOnce").GetDouble() > 0);
    }

    [Fact]
    public void One_policy_is_shown_in_detail()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--update", "all", "--batch", "4", "--threads", "1", "--optimizer", "adam");
        Assert.Equal(0, run.Code);
        foreach (string text in new[] { "policy         all:", "runs           1 x 4 images", "trained weights", "optimizer state", "activations", "workspace",
            "<- peak", "adam" })
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
        foreach (string stage in new[] { "images ", "features ", "last layer ", "network ", "saving ", "most at once " })
            Assert.Contains(stage, run.Out, StringComparison.Ordinal);
        CliRun table = CliRun.Of("plan", _files.Model(), "--memory", "1KiB", "--threads", "1");
        Assert.Equal(3, table.Code);
        Assert.Contains("last: A run of 'last' does not fit in 1KiB", table.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--augment flip --views 7")]
    [InlineData("--keep-classes --batch 5000")]
    [InlineData("--update all --batch 7 --clip 1 --average 0.9 --dropout 0.5")]
    [InlineData("--update bias --batch 1000 --optimizer sgd")]
    [InlineData("--update last:2 --bn live --augment none")]
    [InlineData("--update sparse:1MiB")]
    [InlineData("--update all --compress half --batch 4")]
    [InlineData("--update all --compress auto")]
    [InlineData("--update last --compress frozen")]
    public void A_plan_says_of_every_stage_what_the_run_does(string options)
    {
        string model = _files.Model(), data = _files.Data(perClass: 4);
        string[] same = ["--data", data, "--threads", "1", .. options.Split(' ')];
        string[] tune = ["tune", model, "-o", _files["out.onnx"], "--no-cache", "--epochs", "1", .. same];
        JsonElement run = CliRun.Of([.. tune, "--memory", "1GiB", "--json"]).Json().GetProperty("process");
        string[] ask = ["plan", model, .. options.Contains("--update", StringComparison.Ordinal) ? Array.Empty<string>() : ["--update", "last"], .. same];
        JsonElement plan = CliRun.Of([.. ask, "--memory", "1GiB", "--json"]).Json().GetProperty("policies")[0];
        Assert.True(
            JsonElement.DeepEquals(run.GetProperty("stages"), plan.GetProperty("runStages")),
            $"{run.GetProperty("stages")} against {plan.GetProperty("runStages")}");
        Assert.Equal(Smallest(CliRun.Of([.. tune, "--memory", "1MiB"])), Smallest(CliRun.Of([.. ask, "--memory", "1MiB"])));

        static string Smallest(CliRun refused) => refused.Error.Split("the smallest bound that works is ")[1].Split(". ")[0];
    }

    [Fact]
    public void Policies_that_leave_nothing_frozen_are_left_out_of_a_table()
    {
        CliRun run = CliRun.Of("plan", _files.Model(), "--compress", "frozen", "--json");
        Assert.True(run.Code == 0, run.Error);
        string[] policies = [.. run.Json().GetProperty("policies").EnumerateArray().Select(row => row.GetProperty("policy").GetString()!)];
        Assert.Contains("last", policies);
        Assert.DoesNotContain("all", policies);
    }

    [Theory]
    [InlineData("--update all --views 4", "--views works with --update last only")]
    [InlineData("--update last --dropout 0.5", "--dropout only applies to training more than the last layer")]
    [InlineData("--views 4", "--views needs --augment")]
    [InlineData("--update last --compress half", "--compress only applies to training more than the last layer")]
    [InlineData("--compress int4", "--compress is 'int4'; it must be one of none, half, half:fp16, auto, int8, frozen, frozen,half, frozen,half:fp16")]
    public void Options_that_a_run_would_refuse_are_refused(string options, string expected)
    {
        CliRun run = CliRun.Of(["plan", _files.Model(), .. options.Split(' ')]);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_ladder_goes_down()
    {
        string[] ask = ["plan", _files.Model(), "--classes", "4", "--batch", "2", "--threads", "1", "--ladder"];
        JsonElement[] rows = [.. CliRun.Of([.. ask, "--json"]).Json().GetProperty("ladder").EnumerateArray()];
        Dictionary<string, long> total = rows.ToDictionary(
            static row => row.GetProperty("name").GetString()!, static row => row.GetProperty("totalBytes").GetInt64());
        Assert.True(total["all, updates at the end"] >= total["all"]);
        Assert.True(total["all"] >= total["all, half"]);
        Assert.True(total["all, half"] >= total["all, half, recomputing"]);
        Assert.True(total["all"] > total["bias"]);
        Assert.All(rows, row =>
        {
            long parts = 0;
            foreach (string part in (string[])["optimizerBytes", "activationBytes", "gradientBytes", "otherBytes"]) parts += row.GetProperty(part).GetInt64();
            Assert.Equal(parts, row.GetProperty("beyondWeightsBytes").GetInt64());
            Assert.Equal(row.GetProperty("totalBytes").GetInt64(), parts + row.GetProperty("weightBytes").GetInt64());
        });

        // A row is what a plan of the same says.
        JsonElement plan = CliRun.Of("plan", _files.Model(), "--classes", "4", "--batch", "2", "--threads", "1", "--update", "all", "--json").Json();
        Assert.Equal(total["all"], plan.GetProperty("policies")[0].GetProperty("totalBytes").GetInt64());
        Assert.Contains("beyond weights", CliRun.Of(ask).Out, StringComparison.Ordinal);
        CliRun refused = CliRun.Of([.. ask, "--compress", "half"]);
        Assert.Equal(2, refused.Code);
        Assert.Contains("--ladder compares policies and compressions", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void In_a_comparison_options_of_the_last_layer_hold_for_it_alone()
    {
        string[] question = ["plan", _files.Model(), "--data", _files.Data(perClass: 2), "--threads", "1", "--json"];
        JsonElement[] plain = [.. CliRun.Of(question).Json().GetProperty("policies").EnumerateArray()];
        JsonElement[] views = [.. CliRun.Of([.. question, "--augment", "flip", "--views", "5"]).Json().GetProperty("policies").EnumerateArray()];
        Assert.Equal(5 * Features(plain[0]), Features(views[0]));

        // Beside the features of the images there are rows that stand for the old classes, and a copy of all.
        views = [.. CliRun.Of([.. question, "--augment", "flip", "--views", "5", "--keep-classes"]).Json().GetProperty("policies").EnumerateArray()];
        Assert.InRange(Features(views[0]), 10 * Features(plain[0]), 1 << 20);
        Assert.Equal(9 * (3 + 4), views[0].GetProperty("trainedParameters").GetInt64());
        for (int i = 1; i < plain.Length; i++) Assert.True(JsonElement.DeepEquals(plain[i].GetProperty("runStages"), views[i].GetProperty("runStages")));

        static long Features(JsonElement policy) =>
            policy.GetProperty("memory").EnumerateArray().Single(part => part.GetProperty("name").GetString() == "features").GetProperty("bytes").GetInt64();
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
    [InlineData("--classes 3 --data d", "--data and --classes cannot be combined")]
    public void Wrong_arguments_are_named(string options, string expected)
    {
        CliRun run = CliRun.Of(["plan", "m.onnx", .. options.Split(' ')]);
        Assert.Equal(2, run.Code);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }
}
