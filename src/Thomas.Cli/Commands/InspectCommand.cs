using System;
using System.Collections.Generic;
using System.CommandLine;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.Cli.Options;
using Thomas.Cli.Output;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas inspect</c>: what is in a model file.</summary>
internal sealed class InspectCommand
{
    private const int ListedLabels = 5;
    private const int NameColumns = 80;
    private const int ListedTensors = 10;

    private readonly Terminal _terminal;
    private readonly ModelArgument _model = new(withLabels: false);
    private readonly Option<bool> _graph = new("--graph") { Description = "Print the whole graph, one line per node" };

    private InspectCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        Command command = new("inspect", "Show what is in a model: input, classes, cost, memory, what can be tuned");
        InspectCommand inspect = new(terminal);
        inspect._model.AddTo(command);
        command.Add(inspect._graph);
        terminal.Bind(command, inspect.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string path = _model.Path(parsed);
        Model model = _model.Load(parsed, _terminal.Cancellation);
        InspectReport report = Examine(path, model, parsed.GetValue(_graph), out ImageInput? input);
        if (_terminal.Json)
        {
            _terminal.WriteJson(report, ReportJson.Default.InspectReport);
            return ExitCode.Success;
        }

        Print(report, input);
        foreach (string warning in report.Warnings) _terminal.Warn(warning);
        return ExitCode.Success;
    }

    private static InspectReport Examine(string path, Model model, bool withGraph, out ImageInput? input)
    {
        List<string> warnings = [];
        input = Try(() => ImageInput.Of(model), warnings);
        ImageInput? decided = input;
        TunableHead? head = Try(() => Tuner.Describe(model), warnings);

        // Planned, not allocated: what a model would take is said of models that do not fit, too.
        CompiledGraph? compiled = Try(() => CompiledGraph.Create(Rebatch.Run(model.Graph, 1), new CompileOptions()), warnings);
        IReadOnlyList<string> damaged = ModelChecks.NonFiniteConstants(model);
        if (damaged.Count > 0)
        {
            warnings.Add(
                $"numbers that are not finite (NaN or infinity) in {string.Join(", ", damaged)}: the weights are damaged and the model cannot be used");
        }

        ClassOutput output = ClassOutput.Find(model);
        if (output.Warning is not null) warnings.Add(output.Warning);
        if (output.Problem is not null) warnings.Add(output.Problem);
        if (output.LabelProblem is not null)
        {
            warnings.Add(
                $"{model.Info.Labels!.Count} labels for {Format.Plural(output.Numbers, "output")}: classify and evaluate need --labels with a matching file");
        }

        return new InspectReport(
            path,
            model.Info.SourceFormat == ModelFormat.TfLite ? "tflite" : "onnx",
            model.Info.SourceVersion,
            InputFile.LengthOf(path),
            model.Info.IsQuantized,
            model.Info.BatchIsSymbolic,
            model.Info.InputLayout == ImageLayout.Nchw ? "NCHW" : "NHWC",
            Tensors(model.Graph.Inputs),
            Tensors(model.Graph.Outputs),
            model.Graph.ParameterCount,
            Constants(model.Graph, static value => value.Type.DType is DType.F16 or DType.BF16 ? value.Shape.ElementCount : 0),
            Constants(model.Graph, static value => value.Type.SizeBytes),
            model.Graph.Cost.MultiplyAdds,
            compiled?.Plan.ArenaBytes,
            compiled?.ConstantBytes,
            Operators(model.Graph),
            ReportParts.Of(output),
            model.Info.Labels,
            decided is null ? null : ReportParts.Of(decided),
            head?.Description,
            model.Info.Notes,
            warnings,
            withGraph ? GraphDump.ToText(model.Graph) : null)
        {
            Rehearsal = ReportParts.Of(model.Info.Rehearsal),
        };
    }

    /// <summary>Does what a model may be unfit for: inspect shows the rest all the same.</summary>
    private static T? Try<T>(Func<T> examine, List<string> warnings)
    {
        try
        {
            return examine();
        }
        catch (ThomasException e)
        {
            warnings.Add(e.Message);
            return default;
        }
    }

    private static List<TensorReport> Tensors(IReadOnlyList<Value> values)
    {
        List<TensorReport> tensors = [];
        foreach (Value value in values) tensors.Add(new TensorReport(value.Name, value.Type.DType.ToString(), value.Shape.Dims.ToArray()));
        return tensors;
    }

    private static long Constants(Graph graph, Func<Value, long> measure)
    {
        long sum = 0;
        foreach (Value value in graph.Values) sum += value.IsConstant ? measure(value) : 0;
        return sum;
    }

    private static List<OperatorReport> Operators(Graph graph)
    {
        Dictionary<string, long> work = new(StringComparer.Ordinal);
        List<string> names = [];
        foreach (Node node in graph.Nodes)
        {
            names.Add(node.Op.Name);
            work[node.Op.Name] = work.GetValueOrDefault(node.Op.Name) + node.Cost.MultiplyAdds;
        }

        List<OperatorReport> operators = [];
        foreach ((string name, int count) in Format.Tally(names)) operators.Add(new OperatorReport(name, count, work[name]));
        return operators;
    }

    private void Print(InspectReport report, ImageInput? input)
    {
        _terminal.Field("model", Format.Name(report.File));
        _terminal.Field("format", $"{(report.Version.Length > 0 ? report.Version : report.Format)}, {Format.Bytes(report.Bytes)}");
        _terminal.Field(
            "input",
            $"{Describe(report.Inputs)}{(report.InputLayout == "NCHW" ? "; NCHW in the file" : "")}{(report.BatchIsSymbolic ? "; batch size open" : "")}");
        _terminal.Field("output", $"{Describe(report.Outputs)}\n{report.ClassOutput.Description}");
        _terminal.Field("classes", Labels(report));
        if (input is not null) _terminal.Field("preprocessing", $"{PreprocessingFormat.Describe(input.Preprocessing)}\n{Format.Name(input.Source)}");
        _terminal.Field(
            "parameters",
            report.HalfParameters == 0
            ? Format.Count(report.Parameters)
            : $"{Format.Count(report.Parameters)}, of which {Format.Count(report.HalfParameters)} are 16-bit floats; {Format.Bytes(report.ParameterBytes)}");
        _terminal.Field("cost", $"{Format.Count(report.MultiplyAdds)} multiply-adds an image");
        if (report.ArenaBytes is long arena)
        {
            _terminal.Field("memory", $"{Format.Bytes(arena)} of activations for one image, {Format.Bytes(report.PackedWeightBytes ?? 0)} of packed weights");
        }

        _terminal.Field(
            "numbers",
            report.IsQuantized ? "8-bit file: layers compute in integers; what is trained is float32 rounded to the file's grids"
            : report.HalfParameters > 0 ? "float32, from 16-bit weights"
            : "float32");
        _terminal.Field("tuning", report.Tunable is null ? "not possible, see the warning" : Format.Name(ShortenNames(report.Tunable)));
        if (report.Rehearsal is RehearsalReport vectors)
        {
            string threshold = vectors.Threshold is float t
                ? Format.Invariant($"images with a similarity below {t:0.00##} are unknown")
                : "no threshold for unknown images";
            _terminal.Field("rehearsal", $"{vectors.Vectors} vectors of {vectors.Features} features ({Format.Bytes(vectors.Bytes)})\n{threshold}");
        }

        _terminal.Field("operators", Operators(report));
        if (report.Notes.Count > 0) _terminal.Field("notes", string.Join('\n', Lines(report.Notes)));
        if (report.Graph is not null)
        {
            _terminal.Say();
            _terminal.Block(report.Graph.TrimEnd(), indent: "");
        }
    }

    private static List<string> Lines(IReadOnlyList<string> notes)
    {
        List<string> lines = [];
        foreach (string note in notes) lines.Add(Format.Name(note));
        return lines;
    }

    private static string Describe(IReadOnlyList<TensorReport> tensors)
    {
        List<string> lines = [];
        for (int i = 0; i < tensors.Count && i < ListedTensors; i++)
            lines.Add($"{VisibleText.Shorten(tensors[i].Name, NameColumns)}  {tensors[i].Type}[{string.Join('x', tensors[i].Shape)}]");
        if (tensors.Count > ListedTensors) lines.Add($"and {tensors.Count - ListedTensors} more");
        return string.Join('\n', lines);
    }

    private static string Labels(InspectReport report)
    {
        if (report.Labels is not { Count: > 0 } labels) return report.ClassOutput.Numbers == 1 ? "2, without names in the file" : "without names in the file";
        if (report.ClassOutput.Numbers == 1 && labels.Count == 1) labels = [$"not {labels[0]}", labels[0]];
        List<string> first = [];
        for (int i = 0; i < labels.Count && i < ListedLabels; i++) first.Add(VisibleText.Shorten(labels[i], NameColumns));
        return $"{labels.Count}: {string.Join("; ", first)}{(labels.Count > ListedLabels ? " ..." : "")}";
    }

    private static string Operators(InspectReport report)
    {
        List<string> lines = [];
        foreach (OperatorReport op in report.Operators)
        {
            string share = report.MultiplyAdds > 0 && op.MultiplyAdds > 0
                ? Format.Invariant($"  {(double)op.MultiplyAdds / report.MultiplyAdds,6:0.0%} of the multiply-adds")
                : "";
            lines.Add(Format.Invariant($"{op.Count,3} x {op.Name,-18}{share}").TrimEnd());
        }

        return string.Join('\n', lines);
    }

    /// <summary>Names of fused TFLite operators list all their parts; the first one will do for people.</summary>
    private static string ShortenNames(string text)
    {
        int semicolon = text.IndexOf(';', StringComparison.Ordinal);
        int quote = semicolon < 0 ? -1 : text.IndexOf('\'', semicolon);
        return quote < 0 ? text : $"{text[..semicolon]}...{text[quote..]}";
    }
}
