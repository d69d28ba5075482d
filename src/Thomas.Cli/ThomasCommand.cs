using System;
using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using System.Globalization;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading;
using Thomas.App;
using Thomas.App.Studies;
using Thomas.App.Tuning;
using Thomas.Cli.Commands;
using Thomas.Cli.Output;
using Thomas.Runtime;

namespace Thomas.Cli;

/// <summary>The command line: parses, runs, turns errors into messages and exit codes.</summary>
internal static class ThomasCommand
{
    /// <summary>Name, version, vector instructions, runtime: what a bug report needs.</summary>
    public static string Version => string.Create(
        CultureInfo.InvariantCulture,
        $"thomas {typeof(ThomasCommand).Assembly.GetName().Version?.ToString(3)} ({Machine.Tier}, .NET {Environment.Version}, "
        + $"{(RuntimeFeature.IsDynamicCodeCompiled ? "JIT" : Build.IsStatic ? "NativeAOT, static" : "NativeAOT")})");

    /// <summary>Runs the program in this process.</summary>
    /// <param name="args">The arguments after the program's name.</param>
    /// <param name="stdout">Results.</param>
    /// <param name="stderr">Progress, warnings, errors.</param>
    /// <param name="tuned">What is fastest on this machine, as far as that was measured.</param>
    /// <param name="cancellation">Ends the work as Ctrl-C does.</param>
    /// <returns>See <see cref="ExitCode"/>.</returns>
    public static int Invoke(string[] args, TextWriter stdout, TextWriter stderr, TuningChoice tuned = default, CancellationToken cancellation = default)
    {
        Terminal terminal = new(stdout, stderr, cancellation) { CommandLine = ReportHeaders.CommandLine(args) };
        RootCommand root = Create(terminal, tuned);
        ParseResult parsed = root.Parse(args);
        if (parsed.Errors.Count > 0 && parsed.Action is ParseErrorAction or null) return ReportUsage(terminal, parsed, args.Length == 0);
        if (UnknownOption(parsed) is string option) return ReportUnknown(terminal, parsed, option);
        InvocationConfiguration configuration = new()
        {
            Output = stdout,
            Error = stderr,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        try
        {
            return parsed.Invoke(configuration);
        }
        catch (Exception error)
        {
            return Report(terminal, error);
        }
    }

    private static RootCommand Create(Terminal terminal, TuningChoice tuned)
    {
        RootCommand root = new("Tunes stock image classifiers (.tflite, .onnx) to your own images, on this device.") { HelpName = "thomas" };
        foreach (Option option in terminal.Options) root.Add(option);
        root.Add(InspectCommand.Create(terminal));
        root.Add(ClassifyCommand.Create(terminal, tuned));
        root.Add(EvaluateCommand.Create(terminal, tuned));
        root.Add(CheckCommand.Create(terminal, tuned));
        root.Add(PlanCommand.Create(terminal, tuned));
        root.Add(TuneCommand.Create(terminal, tuned));
        root.Add(TrainCommand.Create(terminal, tuned));
        root.Add(ConvertCommand.Create(terminal));
        root.Add(DevicesCommand.Create(terminal));
        root.Add(BenchCommand.Create(terminal));
        root.Add(PullCommand.Create(terminal));
        root.Add(DemoCommand.Create(terminal, tuned));
        root.Add(StudioCommand.Create(terminal, tuned));
        foreach (Option option in root.Options)
        {
            if (option is VersionOption) option.Action = new WriteVersion();
            else if (option is HelpOption { Action: HelpAction help }) option.Action = new WriteHelp(help);
        }

        return root;
    }

    /// <summary>A misspelt option that the parser takes for a file, unless there is a file of that name or it stands behind <c>--</c>.</summary>
    private static string? UnknownOption(ParseResult parsed)
    {
        foreach (Token token in parsed.Tokens)
        {
            if (token.Type == TokenType.DoubleDash) return null;
        }

        foreach (SymbolResult child in parsed.CommandResult.Children)
        {
            if (child is not ArgumentResult) continue;
            foreach (Token token in child.Tokens)
            {
                if (token.Value.Length > 1 && token.Value[0] == '-' && !File.Exists(token.Value)) return token.Value;
            }
        }

        return null;
    }

    private static int ReportUnknown(Terminal terminal, ParseResult parsed, string option)
    {
        string command = parsed.CommandResult.Command.Name;
        terminal.Complain($"'{command}' has no option '{VisibleText.Of(option)}'.");
        terminal.Error.WriteLine($"Run 'thomas {command} --help' for the options.");
        return ExitCode.Usage;
    }

    private static int ReportUsage(Terminal terminal, ParseResult parsed, bool nothingGiven)
    {
        if (nothingGiven)
        {
            parsed.RootCommandResult.Command.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error });
            return ExitCode.Usage;
        }

        foreach (ParseError error in parsed.Errors) terminal.Complain(error.Message);
        string command = parsed.CommandResult.Command is RootCommand ? "thomas" : $"thomas {parsed.CommandResult.Command.Name}";
        terminal.Error.WriteLine($"Run '{command} --help' for the options.");
        return ExitCode.Usage;
    }

    private static int Report(Terminal terminal, Exception error)
    {
        int code = ExitCode.Of(error);
        terminal.Complain(code switch
        {
            ExitCode.Cancelled when error is RunStoppedException => $"stopped: {error.Message}; no model was written",
            ExitCode.Cancelled => "cancelled; nothing was written",
            ExitCode.Memory when error is OutOfMemoryException => OutOfMemory(),
            ExitCode.Unexpected => $"unexpected {error.GetType().Name}: {error.Message} (--trace shows where)",
            _ when error is WeightMismatchException mismatch => $"{mismatch.File}: {mismatch.Lines[0]}",
            _ => error.Message,
        });
        if (error is WeightMismatchException { Lines: var lines })
        {
            for (int i = 1; i < lines.Count; i++) terminal.Add(lines[i]);
        }

        if (terminal.ShowTrace) terminal.Error.WriteLine(VisibleText.Of(error.ToString().ReplaceLineEndings("\n"), keepLines: true));
        return code;
    }

    /// <summary>The runtime does not say what it was asked for, so what the program has stands beside what it may have.</summary>
    private static string OutOfMemory()
    {
        long used = Environment.WorkingSet, most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        return $"Not enough memory: the program has {Format.Bytes(used)} and needs more; the system or the container allows it "
            + $"{Format.Bytes(most)}. Close other programs, or give it less to do at once: smaller images (--size), a smaller --batch, "
            + "a memory bound (--memory), fewer --threads, or a cache folder instead of memory for the images (--cache-dir).";
    }

    private sealed class WriteVersion : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            parseResult.InvocationConfiguration.Output.WriteLine(Version);
            return ExitCode.Success;
        }
    }

    /// <summary>The usual help, and the exit codes under that of the program itself.</summary>
    private sealed class WriteHelp(HelpAction usual) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            int result = usual.Invoke(parseResult);
            if (parseResult.CommandResult.Command is RootCommand) parseResult.InvocationConfiguration.Output.WriteLine(ExitCode.Table);
            return result;
        }
    }
}
