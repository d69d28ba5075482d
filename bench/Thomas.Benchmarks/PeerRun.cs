using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Thomas.App.Studies;
using Thomas.Study;

namespace Thomas.Benchmarks;

/// <summary>What comparisons with other engines have in common: options, and a report like that of a study.</summary>
internal sealed class PeerRun
{
    private const string Start = "dotnet run -c Release --project bench/Thomas.Benchmarks --";

    private readonly string _title;
    private readonly ReportHeader _header;
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly List<TimingCell> _cells = [];
    private readonly List<string> _notes = [];
    private int _visits = 3, _rounds = 10;
    private string? _file;

    /// <summary>A comparison that begins now.</summary>
    /// <param name="tool">The name of the tool.</param>
    /// <param name="title">Title of the report.</param>
    /// <param name="args">Its arguments, for the report.</param>
    public PeerRun(string tool, string title, ReadOnlySpan<string> args)
    {
        _title = title;
        string command = ReportHeaders.CommandLine([tool, .. args]);
        _header = ReportHeaders.Create(string.Concat(Start, command.AsSpan(command.IndexOf(' '))), 1);
    }

    /// <summary>Numbers of threads that each engine is measured with.</summary>
    public int[] Threads { get; private set; } = [1];

    /// <summary>Takes an argument that all comparisons have.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="i">The argument; behind its value afterwards.</param>
    /// <returns>False if it is a name.</returns>
    /// <exception cref="ThomasException">It is an option that there is not.</exception>
    public bool Take(ReadOnlySpan<string> args, ref int i)
    {
        if (args[i] == "--threads") Threads = Networks.Numbers(args[++i]);
        else if (args[i] == "--visits") _visits = int.Parse(args[++i], CultureInfo.InvariantCulture);
        else if (args[i] == "--rounds") _rounds = int.Parse(args[++i], CultureInfo.InvariantCulture);
        else if (args[i] == "--report") _file = args[++i];
        else if (args[i].StartsWith("--", StringComparison.Ordinal)) throw new ThomasException($"There is no option '{args[i]}'.");
        else return false;
        return true;
    }

    /// <summary>Measures the engines of a race.</summary>
    public void Measure(PeerRace race) => _cells.AddRange(race.Run(_visits, _rounds));

    /// <summary>Adds what a reader of the report must know.</summary>
    public void Note(string text) => _notes.Add(text);

    /// <summary>Prints the report and writes the file, if one was asked for.</summary>
    public void Finish()
    {
        _notes.Insert(
            0,
            $"The engines took turns, each round beginning with another one. Each was made anew {_visits} times; a sample lasts at least "
            + string.Create(CultureInfo.InvariantCulture, $"{TrialSampler.SampleSeconds * 1e3} ms."));
        StudyReport report = new()
        {
            Schema = StudyReport.CurrentSchema,
            Kind = "bench",
            Title = _title,
            Header = _header with { Seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds, IsComplete = true },
            Timings = _cells,
            Notes = _notes,
        };
        StudyText.Print(report, Console.WriteLine);
        if (_file is string file) AtomicFile.Write(file, stream => JsonSerializer.Serialize(stream, report, StudyJson.Default.StudyReport));
    }
}
