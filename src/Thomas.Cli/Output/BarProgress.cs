using System;
using System.Threading;
using Spectre.Console;
using Thomas.App;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>Progress for a person: a bar per stage with the time that is left.</summary>
internal sealed class BarProgress : IProgressDisplay
{
    private readonly IAnsiConsole _console;
    private readonly ProgressContext _context;
    private readonly StageTracker _tracker;
    private readonly Lock _lock = new();
    private readonly PauseLines _pauses = new();
    private ProgressTask? _stage;
    private ProgressTask? _epochs;
    private ProgressTask? _current;
    private string _text = "";

    private BarProgress(IAnsiConsole console, ProgressContext context, string[] rounds)
    {
        _console = console;
        _context = context;
        _tracker = new StageTracker(rounds);
    }

    public static T Run<T>(Terminal terminal, string[] rounds, Func<IProgressDisplay, T> work)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(terminal.Error) });
        return console.Progress()
            .AutoClear(false)
            .Columns(
                new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn { Width = 20 }, new PercentageColumn(), new RemainingTimeColumn())
            .Start(context =>
            {
                BarProgress bars = new(console, context, rounds);
                T result = work(bars);
                bars.End();
                return result;
            });
    }

    /// <summary>Training may end before its last epoch: then the bar is not left hanging.</summary>
    private void End()
    {
        lock (_lock) _epochs?.Value = _epochs.MaxValue;
    }

    public void Report(StageProgress value)
    {
        lock (_lock)
        {
            if (value.IsWarning)
            {
                // Through the console that draws the bars, which moves them down.
                _console.WriteLine($"thomas: warning: {VisibleText.Of(value.Message)}");
                return;
            }

            if (value.Pause != PauseState.None)
            {
                if (_current is not null) _current.Description = Markup.Escape($"{_text}, {VisibleText.Of(value.Message)}");
                else if (_pauses.Takes(value)) _console.WriteLine($"{value.Stage}: {VisibleText.Of(value.Message)}");
                return;
            }

            if (_tracker.Begins(value))
            {
                _stage?.StopTask();
                _stage = _context.AddTask(Markup.Escape(_tracker.Title), maxValue: int.Max(1, value.Total));
            }

            string message = value.Message.Length == 0 ? "" : $", {VisibleText.Of(value.Message)}";
            Describe(_stage!, FormattableString.Invariant($"{_tracker.Title,-20} {value.Done}/{value.Total}{message}"));
            _stage!.Value = value.Total == 0 ? 1 : value.Done;
        }
    }

    public void Epoch(EpochReport epoch, int total)
    {
        lock (_lock)
        {
            _epochs ??= _context.AddTask("train", maxValue: total);
            Describe(_epochs, FormattableString.Invariant($"{"train",-20} {epoch.Epoch}/{total}{Validation(epoch)}"));
            _epochs.Value = epoch.Epoch;
        }
    }

    /// <summary>Names what is going on, which a pause adds to.</summary>
    private void Describe(ProgressTask task, string text)
    {
        (_current, _text) = (task, text);
        task.Description = Markup.Escape(text);
    }

    private static string Validation(EpochReport epoch) => epoch.ValidationAccuracy is double accuracy ? Format.Invariant($", {accuracy:0.0%} right") : "";
}
