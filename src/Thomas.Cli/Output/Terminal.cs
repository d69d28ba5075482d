using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;

namespace Thomas.Cli.Output;

/// <summary>
/// Where a run writes to and how much: results to one stream, everything else to the other. Whatever comes from files, such as names of classes, is shown with
/// its control and invisible characters as escapes; JSON has escapes of its own.
/// </summary>
internal sealed class Terminal(TextWriter stdout, TextWriter stderr, CancellationToken cancellation)
{
    private readonly Option<bool> _json = new("--json") { Description = "Write the result as JSON to standard output", Recursive = true };
    private readonly Option<bool> _quiet = new("--quiet", "-q")
    {
        Description = "Print only results, warnings and errors, without progress and notes",
        Recursive = true,
    };
    private readonly Option<bool> _verbose = new("--verbose", "-v") { Description = "List the kernels that ran and all notes", Recursive = true };
    private readonly Option<bool> _trace = new("--trace") { Description = "Show the stack trace of an error (also THOMAS_TRACE=1)", Recursive = true };

    /// <summary>The command as it was given.</summary>
    public string CommandLine { get; init; } = "thomas";

    public TextWriter Out => stdout;

    public TextWriter Error => stderr;

    public CancellationToken Cancellation => cancellation;

    public IReadOnlyList<Option> Options => [_json, _quiet, _verbose, _trace];

    public bool Json { get; private set; }

    public bool Quiet { get; private set; }

    public bool Verbose { get; private set; }

    public bool ShowTrace { get; private set; } = Environment.GetEnvironmentVariable("THOMAS_TRACE") == "1";

    /// <summary>Whether a person watches: bars may move.</summary>
    public bool IsInteractive =>
        ReferenceEquals(stderr, Console.Error) && !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not ("dumb" or "");

    /// <summary>Makes a command run with these settings.</summary>
    public void Bind(Command command, Func<ParseResult, int> run) => command.SetAction(parsed =>
    {
        Json = parsed.GetValue(_json);
        Quiet = parsed.GetValue(_quiet);
        Verbose = parsed.GetValue(_verbose);
        ShowTrace |= parsed.GetValue(_trace);
        return run(parsed);
    });

    /// <summary>A line of the result for people; with --json there is none.</summary>
    public void Say(string line = "")
    {
        if (!Json) stdout.WriteLine(VisibleText.Of(line));
    }

    /// <summary>The result for machines.</summary>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type) => stdout.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>What a person may want to know.</summary>
    public void Note(string text)
    {
        if (!Quiet) stderr.WriteLine(VisibleText.Of(text));
    }

    /// <summary>Details for --verbose, on one line or several.</summary>
    public void Detail(string text)
    {
        if (Verbose) stderr.WriteLine(VisibleText.Of(text, keepLines: true));
    }

    public void Warn(string text) => stderr.WriteLine($"thomas: warning: {VisibleText.Of(text)}");

    public void Complain(string text) => stderr.WriteLine($"thomas: error: {VisibleText.Of(text)}");

    /// <summary>A further line of a warning or an error.</summary>
    public void Add(string text) => stderr.WriteLine(VisibleText.Of(text));
}
