using System;
using System.CommandLine;
using Thomas.Autodiff;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Options;

/// <summary>What a training step is planned for.</summary>
internal sealed class PlanOptions
{
    private static readonly TrainingPlanOptions Default = new();

    private readonly Option<string> _data = new("--data") { Description = "Pictures as for tune; they say how many classes there are", HelpName = "folder|file" };
    private readonly Option<int?> _classes = Parse.Number("--classes", "How many classes the new last layer has (default: the model's own)", 2, 1_000_000);
    private readonly Option<UpdatePolicy?> _update = Parse.Policy("--update", "What to train; without it all policies are compared");
    private readonly Option<int?> _batch = Parse.Number("--batch", $"Pictures in a step (default {Default.Batch})", 1, 65_536);
    private readonly Option<long?> _memory = Parse.Size("--memory", "Most memory that a run may add to the process, in every stage, for example 96MiB: smaller pieces of the batch and recomputation are chosen to fit");
    private readonly Option<string> _optimizer = Parse.Word("--optimizer", "How gradients become updates (default adamw)", "sgd", "adam", "adamw");
    private readonly Option<string> _batchNorm = Parse.Word("--bn", "Batch normalization: statistics of the file or of the batch (default frozen, for scratch live)", "frozen", "live");

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _data, _classes, _update, _batch, _memory, _optimizer, _batchNorm }) command.Add(option);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_data) is not null && result.GetResult(_classes) is not null) result.AddError("--data and --classes exclude each other: the data says how many classes there are.");
        });
    }

    /// <summary>The policy asked for; null for a comparison.</summary>
    public UpdatePolicy? Policy(ParseResult parsed) => parsed.GetValue(_update);

    /// <summary>The data set; null where there is none.</summary>
    public Dataset? Data(ParseResult parsed, Terminal terminal) => parsed.GetValue(_data) is string path ? DataOption.Load(path, terminal) : null;

    /// <summary>Classes of the new last layer; null for the model's own.</summary>
    public int? Classes(ParseResult parsed, Dataset? data) => data?.ClassNames.Count ?? parsed.GetValue(_classes);

    public TrainingPlanOptions Read(ParseResult parsed, UpdatePolicy policy, CompileOptions compile) => new()
    {
        Policy = policy,
        BatchNorm = (parsed.GetValue(_batchNorm) ?? (policy.Kind == UpdateKind.Scratch ? "live" : "frozen")) == "live" ? BatchNormMode.Live : BatchNormMode.Frozen,
        Optimizer = new OptimizerOptions { Kind = parsed.GetValue(_optimizer) is { } kind ? Enum.Parse<OptimizerKind>(kind, ignoreCase: true) : OptimizerKind.AdamW },
        Batch = parsed.GetValue(_batch) ?? Default.Batch,
        MemoryBytes = parsed.GetValue(_memory),
        Compile = compile,
    };
}
