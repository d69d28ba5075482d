using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>Measures the units of a study: all once, then all again, so that the samples of each are spread over the whole time.</summary>
internal sealed class StudyRunner
{
    private readonly StudyContext _context;
    private readonly StudyJournal _journal;
    private readonly List<StudyEntry> _entries;
    private readonly IReadOnlyList<StudyUnit> _units;
    private readonly IReadOnlyList<AbsentCell> _absent;
    private readonly HashSet<(string Unit, int Visit)> _done = [];
    private readonly HashSet<string> _ended = new(StringComparer.Ordinal);

    /// <param name="context">What measuring needs.</param>
    /// <param name="journal">Receives what was measured; what it holds already is not measured again.</param>
    public StudyRunner(StudyContext context, StudyJournal journal)
    {
        (_context, _journal) = (context, journal);
        _entries = [.. journal.Entries];
        (_units, _absent) = StudyExpansion.Run(context.Plan);
        foreach (StudyEntry entry in _entries) Count(entry);
    }

    /// <summary>Why a guard has ended the study; null if none has.</summary>
    public string? StopReason { get; private set; }

    /// <summary>How many visits the study has at most.</summary>
    public int Total
    {
        get
        {
            int total = 0;
            foreach (StudyUnit unit in _units) total += unit.Visits;
            return total;
        }
    }

    /// <summary>How many of them are done, or not needed.</summary>
    public int Done
    {
        get
        {
            int done = 0;
            foreach (StudyUnit unit in _units)
            {
                for (int visit = 0; visit < unit.Visits; visit++) done += IsNeeded(unit, visit) ? 0 : 1;
            }

            return done;
        }
    }

    /// <summary>Measures what is left.</summary>
    /// <param name="progress">Told of every visit.</param>
    /// <param name="cancellation">Ends it; what is finished stays in the journal.</param>
    /// <returns>The report; incomplete where it was cancelled.</returns>
    public StudyReport Run(IProgress<StageProgress>? progress, CancellationToken cancellation)
    {
        _context.Watch = StageProgress.Watch(_context.Guard, progress);
        _context.Sensors?.Start();
        int total = Total, most = 0;
        foreach (StudyUnit unit in _units) most = Math.Max(most, unit.Visits);
        for (int visit = 0; visit < most && !IsStopped(cancellation); visit++)
        {
            foreach (StudyUnit unit in _units)
            {
                if (visit >= unit.Visits || !IsNeeded(unit, visit)) continue;
                progress?.Report(new StageProgress("measure", Done, total, unit.Key));
                if (IsStopped(cancellation) || !Measure(unit, visit, cancellation)) break;
            }
        }

        bool isComplete = Done == total;
        if (isComplete) progress?.Report(new StageProgress("measure", total, total));
        return Report(isComplete);
    }

    private StudyReport Report(bool isComplete) => StudyAssembly.Build(
        _context.Plan, _journal.Origin.Header with { IsComplete = isComplete }, _entries, _absent,
        _context.Sensors?.ToRecord((_context.Watch?.Paused ?? TimeSpan.Zero) + _context.OtherPauses));

    private bool IsStopped(CancellationToken cancellation) => StopReason is not null || cancellation.IsCancellationRequested;

    private bool IsNeeded(StudyUnit unit, int visit) => !_ended.Contains(unit.Key) && !_done.Contains((unit.Key, visit));

    private bool Measure(StudyUnit unit, int visit, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        StudyEntry entry;
        try
        {
            entry = unit.Run(visit, _context, cancellation);
        }
        catch (RunStoppedException e)
        {
            StopReason = e.Message;
            return false;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }
        catch (ThomasException e)
        {
            entry = new StudyEntry { Unit = unit.Key, Visit = visit, Absent = [new AbsentCell(unit.Experiment, unit.Key, e.Message)], IsLast = true };
        }

        entry = entry with { Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds };
        _journal.Add(entry);
        _entries.Add(entry);
        Count(entry);

        // Programs and arenas of one unit must not stand beside the next.
        ProcessMemory.Trim();
        return true;
    }

    private void Count(StudyEntry entry)
    {
        _done.Add((entry.Unit, entry.Visit));
        if (entry.IsLast) _ended.Add(entry.Unit);
    }
}
