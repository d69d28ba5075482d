using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.App;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>Runs a job under the display that fits: moving bars for a person at a terminal, lines for a log, nothing with --quiet.</summary>
internal static class ProgressDisplay
{
    /// <param name="terminal">Where to.</param>
    /// <param name="rounds">What each round of stages works on, where a job goes through the same stages several times.</param>
    /// <param name="work">The job.</param>
    public static T Run<T>(Terminal terminal, string[] rounds, Func<IProgressDisplay, T> work)
    {
        if (terminal.Quiet) return work(new NoProgress(terminal));
        return terminal.IsInteractive ? BarProgress.Run(terminal, rounds, work) : work(new LineProgress(terminal, rounds));
    }

    public static string Describe(EpochReport epoch)
    {
        string validation = epoch.ValidationAccuracy is double accuracy ? Format.Invariant($", validation {accuracy:0.0%}") : "";
        return Format.Invariant($"loss {epoch.TrainLoss:0.000}, training {epoch.TrainAccuracy:0.0%}{validation}{(epoch.IsBest ? " *" : "")}");
    }

    private sealed class NoProgress(Terminal terminal) : IProgressDisplay
    {
        public void Report(StageProgress value)
        {
            if (value.IsWarning) terminal.Warn(value.Message);
        }

        public void Epoch(EpochReport epoch, int total)
        {
        }
    }
}

/// <summary>
/// Which pauses of a guard a log names: the first, and then one a minute at most, since a processor may have to cool every few seconds for hours.
/// </summary>
internal sealed class PauseLines
{
    private static readonly long QuietTicks = 60 * Stopwatch.Frequency;

    private long _last = -QuietTicks;
    private bool _isPaused;
    private bool _isNamed;

    /// <summary>Whether a report of a pause is worth a line: its begin, and its end if the begin was.</summary>
    public bool Takes(StageProgress report)
    {
        bool begins = !_isPaused;
        _isPaused = report.Pause == PauseState.Paused;
        if (!_isPaused) return _isNamed;
        if (!begins) return false;
        long now = Stopwatch.GetTimestamp();
        _isNamed = now - _last >= QuietTicks;
        if (_isNamed) _last = now;
        return _isNamed;
    }
}

/// <summary>Tells stages and their rounds apart in a stream of reports. A stage begins where the name changes or the count starts again.</summary>
internal sealed class StageTracker(string[] rounds)
{
    private readonly Dictionary<string, int> _seen = new(StringComparer.Ordinal);
    private StageProgress _last;

    /// <summary>Name of the stage with what it works on, for example <c>decode training</c>.</summary>
    public string Title { get; private set; } = "";

    /// <summary>Takes a report; true if it is the first of a stage.</summary>
    public bool Begins(StageProgress report)
    {
        bool begins = report.Stage != _last.Stage || report.Total != _last.Total || (_last.Done == _last.Total && report.Done < report.Total);
        _last = report;
        if (!begins) return false;
        int round = _seen.GetValueOrDefault(report.Stage);
        _seen[report.Stage] = round + 1;

        // The stages of a network's training come round with every epoch, always with the same images.
        Title = report.Stage is not ("train" or "validate") && round < rounds.Length ? $"{report.Stage} {rounds[round]}" : report.Stage;
        return true;
    }
}
