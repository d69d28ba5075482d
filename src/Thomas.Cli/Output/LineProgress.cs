using System.Diagnostics;
using System.Threading;
using Thomas.App;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>
/// Progress for logs: a line at each quarter of a stage that takes long, one at its end, about twenty for the epochs, and one for each
/// epoch with the best accuracy so far.
/// </summary>
internal sealed class LineProgress(Terminal terminal, string[] rounds) : IProgressDisplay
{
    private const int EpochLines = 20;
    private static readonly long QuietTicks = Stopwatch.Frequency;

    private readonly Lock _lock = new();
    private readonly StageTracker _tracker = new(rounds);
    private readonly PauseLines _pauses = new();
    private long _start;
    private long _lastLine;
    private int _quarter;
    private bool _ended;
    private double _bestAccuracy;

    public void Report(StageProgress value)
    {
        lock (_lock)
        {
            if (value.IsWarning)
            {
                terminal.Warn(value.Message);
                return;
            }

            if (value.Pause != PauseState.None)
            {
                if (_pauses.Takes(value)) terminal.Add($"{value.Stage,-20} {value.Message}");
                return;
            }

            long now = Stopwatch.GetTimestamp();
            if (_tracker.Begins(value))
            {
                _start = _lastLine = now;
                _quarter = 0;
                _ended = false;
            }

            if (_ended) return;
            _ended = value.Done == value.Total;
            int quarter = (int)(4L * value.Done / int.Max(1, value.Total));
            if (!_ended && (quarter == _quarter || now - _lastLine < QuietTicks)) return;
            _quarter = quarter;
            _lastLine = now;
            string message = value.Message.Length == 0 ? "" : $", {value.Message}";
            string elapsed = Format.Duration(Stopwatch.GetElapsedTime(_start, now));
            string end = _ended ? $"done in {elapsed}" : Format.Invariant($"{(double)value.Done / value.Total,4:0%} after {elapsed}");
            terminal.Add(Format.Invariant($"{_tracker.Title,-20} {value.Done,6}/{value.Total}  {end}{message}"));
        }
    }

    public void Epoch(EpochReport epoch, int total)
    {
        lock (_lock)
        {
            int step = int.Max(1, (total + EpochLines - 1) / EpochLines);
            bool isBest = epoch.IsBest && epoch.ValidationAccuracy > _bestAccuracy;
            if (isBest) _bestAccuracy = epoch.ValidationAccuracy!.Value;
            if (!isBest && epoch.Epoch != 1 && epoch.Epoch % step != 0 && epoch.Epoch != total) return;
            terminal.Add(Format.Invariant($"{"train",-20} {epoch.Epoch,6}/{total}  {ProgressDisplay.Describe(epoch)}"));
        }
    }
}
