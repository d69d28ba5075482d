using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Threading;

namespace Thomas.Training;

/// <summary>How long a stage took in all.</summary>
/// <param name="Name">Name of the stage.</param>
/// <param name="Duration">Wall-clock time.</param>
public readonly record struct StageTime(string Name, TimeSpan Duration);

/// <summary>Times of the stages of a run, in the order in which they first began.</summary>
/// <param name="Stages">The stages.</param>
public sealed record StageTimes(IReadOnlyList<StageTime> Stages)
{
    /// <summary>Sum of the stages.</summary>
    public TimeSpan Total
    {
        get
        {
            TimeSpan total = default;
            foreach (StageTime stage in Stages) total += stage.Duration;
            return total;
        }
    }

    /// <summary>Time of one stage.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The time; zero if there was no such stage.</returns>
    public TimeSpan Of(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (StageTime stage in Stages)
        {
            if (stage.Name == name) return stage.Duration;
        }

        return default;
    }

    /// <summary>A line per stage with seconds and share, and one for the total.</summary>
    /// <returns>The text, without a line break at its end.</returns>
    public string ToTable()
    {
        StringBuilder text = new();
        TimeSpan total = Total;
        int width = "total".Length;
        foreach (StageTime stage in Stages) width = Math.Max(width, stage.Name.Length);
        foreach (StageTime stage in Stages)
        {
            double share = total > TimeSpan.Zero ? stage.Duration / total : 0;
            text.Append(CultureInfo.InvariantCulture, $"{stage.Name.PadRight(width)}  {stage.Duration.TotalSeconds,9:0.000} s  {share,5:0%}\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"{"total".PadRight(width)}  {total.TotalSeconds,9:0.000} s").ToString();
    }
}

/// <summary>Measures the stages of a run with a monotonic clock. Stages of the same name add up. Safe for several threads at once.</summary>
internal sealed class StageTimer
{
    private readonly List<StageTime> _stages = [];
    private readonly Lock _gate = new();

    /// <summary>Says how long a guard has paused the run so far, which counts for no stage; null for never.</summary>
    public Func<TimeSpan>? Paused { get; set; }

    /// <summary>The times so far; what a stage that still runs has used is not in it yet.</summary>
    public StageTimes Times
    {
        get
        {
            lock (_gate) return new([.. _stages]);
        }
    }

    /// <summary>Begins a stage: <c>using (timer.Measure("train")) { ... }</c>.</summary>
    /// <param name="name">Name of the stage.</param>
    /// <returns>Ends the stage when it is disposed.</returns>
    public Stage Measure(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        Add(name, TimeSpan.Zero);
        return new Stage(this, name, Stopwatch.GetTimestamp());
    }

    /// <summary>Adds time that was measured elsewhere.</summary>
    /// <param name="name">Name of the stage.</param>
    /// <param name="duration">Time to add, not negative.</param>
    public void Add(string name, TimeSpan duration)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(duration, TimeSpan.Zero);
        lock (_gate)
        {
            int index = _stages.FindIndex(stage => stage.Name == name);
            if (index < 0) _stages.Add(new StageTime(name, duration));
            else _stages[index] = new StageTime(name, _stages[index].Duration + duration);
        }
    }

    /// <summary>A stage that runs.</summary>
    public struct Stage : IDisposable
    {
        private readonly string _name;
        private readonly long _start;
        private readonly TimeSpan _paused;
        private StageTimer? _timer;

        internal Stage(StageTimer timer, string name, long start)
        {
            _timer = timer;
            _name = name;
            _start = start;
            _paused = timer.Paused?.Invoke() ?? default;
        }

        /// <summary>Ends the stage; a second call does nothing.</summary>
        public void Dispose()
        {
            if (_timer is null) return;
            TimeSpan time = Stopwatch.GetElapsedTime(_start) - ((_timer.Paused?.Invoke() ?? default) - _paused);

            // The guard may have another clock.
            _timer.Add(_name, time > TimeSpan.Zero ? time : TimeSpan.Zero);
            _timer = null;
        }
    }
}
