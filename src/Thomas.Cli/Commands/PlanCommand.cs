using System;
using System.Collections.Generic;
using System.CommandLine;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.App.Tuning;
using Thomas.Autodiff;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas plan</c>: what training would take, before it runs.</summary>
internal sealed class PlanCommand
{
    private static readonly UpdatePolicy[] Compared =
    [
        UpdatePolicy.Last, new(UpdateKind.LastLayers, 2), new(UpdateKind.LastLayers, 3), new(UpdateKind.Bias), new(UpdateKind.Norm), UpdatePolicy.All,
        new(UpdateKind.Scratch),
    ];

    private readonly Terminal _terminal;
    private readonly ModelArgument _model = new(withLabels: false);
    private readonly PlanOptions _plan = new();
    private readonly ComputeOptions _compute;
    private readonly CacheOptions _cache = new(programsOnly: true);
    private readonly List<string> _notes = [];

    private PlanCommand(Terminal terminal, TuningChoice tuned)
    {
        _terminal = terminal;
        _compute = new ComputeOptions(tuned, _cache);
    }

    public static Command Create(Terminal terminal, TuningChoice tuned)
    {
        Command command = new("plan", "Predict the memory and time of training, for one update policy or for all");
        PlanCommand plan = new(terminal, tuned);
        plan._model.AddTo(command);
        plan._plan.AddTo(command);
        plan._compute.AddTo(command);
        plan._cache.AddTo(command);
        terminal.Bind(command, plan.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        Model model = _model.Load(parsed, _terminal.Cancellation);
        Dataset? data = _plan.Data(parsed, _terminal);
        CompileOptions compile = _compute.Read(parsed);
        CostModel rates = compile.Device == DeviceKind.Serial ? CostModel.Nominal : MachineRates.Measure(compile.Threads);
        if (compile.Device == DeviceKind.Serial) _notes.Add("times are estimates for the cpu device of an average machine; the serial device is far slower");
        if (compile.Device == DeviceKind.OpenCl)
        {
            _notes.Add("times are those of the cpu device; memory is that of the OpenCL device and of the host together, and --memory bounds the sum");
        }

        PlanQuestion question = new(
            model, data?.Samples.Count ?? 0, data?.HeldBytes ?? 0, _plan.Classes(parsed, data), rates, policy => _plan.Read(parsed, policy, compile))
        {
            Prepare = _plan.QuantizesFrozen(parsed) || _plan.QuantizesAll(parsed)
                ? policy => new EightBits(policy, _plan.QuantizesFrozen(parsed)).Outline(model, compile, data?.Samples.Count ?? 0)
                : null,
        };
        if (_plan.IsLadder(parsed)) return ShowLadder(parsed, model, question, rates, compile);
        UpdatePolicy? policy = _plan.Policy(parsed);
        List<PolicyReport> policies = [];
        string? details = null;
        if (policy is UpdatePolicy one) policies.Add(question.Examine(one, out details));
        else Compare(question, policies);
        if (policies.Count == 0) throw new ThomasException($"{model.Info.Name} cannot be trained with any policy. {string.Join(' ', _notes)}");

        RunPlanOptions options = question.Options(policy ?? (_plan.QuantizesFrozen(parsed) ? UpdatePolicy.Last : UpdatePolicy.All));
        PlanReport report = new(
            model.Info.Name,
            ComputeOptions.Describe(compile),
            options.Classes,
            options.Network?.Batch ?? options.Head.BatchSize,
            _plan.Optimizer(parsed).ToString().ToLowerInvariant(),
            policies,
            _notes);
        if (_terminal.Json) _terminal.WriteJson(report, ReportJson.Default.PlanReport);
        else Print(report, details);
        return ExitCode.Success;
    }

    /// <summary>The memory of a step in one way of training after another.</summary>
    private int ShowLadder(ParseResult parsed, Model model, PlanQuestion question, CostModel rates, CompileOptions compile)
    {
        RunPlanOptions options = question.Options(UpdatePolicy.All);
        TrainingPlanOptions network = options.Network!;
        MemoryLadder ladder = new(TrainingPlanner.WithClasses(model, options.Classes), network, rates);
        List<LadderReport> rows = ladder.Rows(_notes);
        string optimizer = _plan.Optimizer(parsed).ToString().ToLowerInvariant();
        PlanReport report = new(model.Info.Name, ComputeOptions.Describe(compile), options.Classes, network.Batch, optimizer, [], _notes) { Ladder = rows };
        if (_terminal.Json) _terminal.WriteJson(report, ReportJson.Default.PlanReport);
        else Print(report, null);
        return ExitCode.Success;
    }

    private void PrintLadder(IReadOnlyList<LadderReport> rows)
    {
        _terminal.Say(
            $"{"",-24} {"trained",12} {"weights",11} {"optimizer",11} {"activations",12} {"gradients",11} {"other",11} {"beyond weights",15} {"total",11} "
            + $"{"time a step",12}");
        foreach (LadderReport row in rows)
        {
            _terminal.Say(
                $"{row.Name,-24} {Format.Count(row.TrainedParameters),12} {Format.Bytes(row.WeightBytes),11} {Format.Bytes(row.OptimizerBytes),11} "
                + $"{Format.Bytes(row.ActivationBytes),12} {Format.Bytes(row.GradientBytes),11} {Format.Bytes(row.OtherBytes),11} "
                + $"{Format.Bytes(row.BeyondWeightsBytes),15} {Format.Bytes(row.TotalBytes),11} "
                + $"{Format.Duration(TimeSpan.FromSeconds(row.SecondsPerStep)),12}");
        }
    }

    /// <summary>A line for each policy that the model allows; under a bound those that do not fit are notes.</summary>
    private void Compare(PlanQuestion question, List<PolicyReport> policies)
    {
        foreach (UpdatePolicy policy in Compared)
        {
            try
            {
                policies.Add(question.Compare(policy, findsSmallest: true));
            }
            catch (ThomasException e)
            {
                _notes.Add($"{policy}: {e.Message}");
            }
        }
    }

    private void Print(PlanReport report, string? details)
    {
        _terminal.Field("model", $"{Format.Name(report.Model)}, {Format.Plural(report.Classes, "class", "classes")}");
        _terminal.Field("step", $"batch {report.Batch}, {report.Optimizer}");
        _terminal.Field("device", report.Device);
        _terminal.Say();
        if (report.Ladder is { } ladder) PrintLadder(ladder);
        else if (details is null && report.Policies.Count > 1) PrintTable(report.Policies);
        else if (report.Policies.Count > 0) PrintOne(report.Policies[0], details);
        if (report.Notes.Count > 0) _terminal.Say();
        foreach (string note in report.Notes) _terminal.Say(note);
    }

    private void PrintTable(IReadOnlyList<PolicyReport> policies)
    {
        _terminal.Say($"{"policy",-10} {"trained",14} {"memory",11} {"recomputing",12} {"run adds",11} {"runs",9} {"multiply-adds",14} {"time a step",12}");
        foreach (PolicyReport p in policies)
        {
            string smallest = p.SmallestBytes is long bytes ? Format.Bytes(bytes) : "";
            string time = Format.Duration(TimeSpan.FromSeconds(p.SecondsPerStep));
            _terminal.Say(
                $"{p.Policy,-10} {Format.Count(p.TrainedParameters),14} {Format.Bytes(p.TotalBytes),11} {smallest,12} {Format.Bytes(p.RunBytes ?? 0),11} "
                + $"{$"{p.Runs} x {p.MicroBatch}",9} {Format.Count(p.MultiplyAdds),14} {time,12}");
        }

        if (policies[0].SecondsPerImageOnce is double once)
        {
            _terminal.Say($"'last' also computes the features of each image once: {Format.Duration(TimeSpan.FromSeconds(once))} an image.");
        }
    }

    private void PrintOne(PolicyReport p, string? timeline)
    {
        _terminal.Field(
            "policy",
            $"{p.Policy}: {Format.Count(p.TrainedParameters)} parameters trained"
                + $"{(p.TrainedTensors is null ? "" : $" in {Format.Plural(p.TrainedTensors.Count, "tensor")}")}");
        _terminal.Field("runs", $"{p.Runs} x {p.MicroBatch} images");
        List<string> memory = [$"{Format.Bytes(p.TotalBytes)} in total"];
        foreach (MemoryPartReport part in p.Memory) memory.Add($"{Format.Bytes(part.Bytes),10}  {part.Name}");
        if (p.DeviceBytes is long device) memory.Add($"of this {Format.Bytes(device)} on the device, {Format.Bytes(p.HostBytes ?? 0)} on the host");
        if (p.KeptBytes is long kept)
        {
            memory.Add(
                p.KeptInHalves is int halves
                ? $"{Format.Plural(halves, "result")} kept as 16-bit floats ({p.Compression}), at most {Format.Bytes(kept)} at once"
                : $"results of layers between grids kept in 8 bits ({p.Compression}), at most {Format.Bytes(kept)} of results at once");
        }

        if (p.RunBytes is long run) memory.Add($"the whole run adds at most {Format.Bytes(run)} to a process with the model loaded");
        if (p.RunDeviceBytes is long there)
        {
            memory.Add($"at most {Format.Bytes(there)} of it on the device, at most {Format.Bytes(p.RunHostBytes ?? 0)} on the host");
        }

        if (p.ModelCopyBytes is long copy) memory.Add($"plus {Format.Bytes(copy)} for the trained weights as read from the file");
        _terminal.Field("memory", string.Join('\n', memory));
        string again = p.RecomputedMultiplyAdds > 0 ? $" + {Format.Count(p.RecomputedMultiplyAdds.Value)} recomputed" : "";
        string split = p.ForwardMultiplyAdds is long forward
            ? $": {Format.Count(forward)} forward + {Format.Count(p.BackwardMultiplyAdds ?? 0)} backward{again}"
            : "";
        _terminal.Field("multiply-adds", $"{Format.Count(p.MultiplyAdds)} a step{split}");
        _terminal.Field("time", $"about {Format.Duration(TimeSpan.FromSeconds(p.SecondsPerStep))} a step");
        if (p.SecondsPerImageOnce is double once) _terminal.Field("", $"plus {Format.Duration(TimeSpan.FromSeconds(once))} once per image for its features");
        if (p.Recomputed is { Count: > 0 } recomputed)
        {
            List<string> lines = [];
            foreach (RecomputedReport value in recomputed) lines.Add($"{Format.Bytes(value.Bytes),10}  {Format.Name(value.Name)}");
            _terminal.Field("recomputed", string.Join('\n', lines));
        }

        if (timeline is null) return;
        _terminal.Say();
        _terminal.Block(timeline.TrimEnd());
    }
}
