using System.CommandLine;
using Thomas.Autodiff;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Options;

/// <summary>What a run is planned for: the options of <c>tune</c> that change what it needs, read by the same code.</summary>
internal sealed class PlanOptions
{
    private readonly Option<string> _data = new("--data") { Description = "Images as for tune; they set the number of classes", HelpName = "folder|file" };
    private readonly Option<int?> _classes = Parse.Number("--classes", "Number of classes in the data (default: that of the model)", 2, 1_000_000);
    private readonly Option<UpdatePolicy?> _update = Parse.Policy("--update", "What to train (default: compare all policies)");
    private readonly Option<bool> _ladder = new("--ladder")
    {
        Description =
            "Show the memory of a step in one way of training after another: updates at the end or at once, 16 and 8 bits, recomputation, fewer layers",
    };
    private readonly TrainingOptions _training = new();

    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _data, _classes, _update, _ladder }) command.Add(option);
        _training.AddPlannedTo(command);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_data) is not null && result.GetResult(_classes) is not null)
            {
                result.AddError("--data and --classes cannot be combined: the data sets the number of classes.");
            }

            if (result.GetResult(_ladder) is { Implicit: false } && (result.GetResult(_update) is not null || _training.IsCompressed(result)))
            {
                result.AddError("--ladder compares policies and compressions, so it goes with neither --update nor --compress.");
            }
        });
    }

    /// <summary>The policy asked for; null for a comparison.</summary>
    public UpdatePolicy? Policy(ParseResult parsed) => parsed.GetValue(_update);

    /// <summary>Whether the memory ladder is asked for.</summary>
    public bool IsLadder(ParseResult parsed) => parsed.GetValue(_ladder);

    /// <summary>Whether the layers before the first trained one are to run in 8-bit integers.</summary>
    public bool QuantizesFrozen(ParseResult parsed) => _training.QuantizesFrozen(parsed);

    /// <summary>Whether a network is to compute in 8-bit integers, whatever it was.</summary>
    public bool QuantizesAll(ParseResult parsed) => _training.QuantizesAll(parsed);

    /// <summary>The data set; null where there is none.</summary>
    public Dataset? Data(ParseResult parsed, Terminal terminal) => parsed.GetValue(_data) is string path ? DataOption.Load(path, terminal) : null;

    /// <summary>Classes of the data; null where neither it nor their number is given.</summary>
    public int? Classes(ParseResult parsed, Dataset? data) => data?.ClassNames.Count ?? parsed.GetValue(_classes);

    /// <summary>How gradients become updates.</summary>
    public OptimizerKind Optimizer(ParseResult parsed) => _training.Optimizer(parsed);

    /// <exception cref="UsageException">Options that do not go together.</exception>
    public TuningOptions Read(ParseResult parsed, UpdatePolicy policy, CompileOptions compile) =>
        _training.ReadPlanned(parsed, policy, isCompared: Policy(parsed) is null, compile);
}
