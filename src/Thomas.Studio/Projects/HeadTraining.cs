using System;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Studio.Http;
using Thomas.Training;

namespace Thomas.Studio.Projects;

/// <summary>Trains the last layer by itself: a moment after images stop arriving, or every now and then while they arrive.</summary>
internal sealed class HeadTraining : IAsyncDisposable
{
    private readonly TuningSession _session;
    private readonly StudioSettings _settings;
    private readonly EventSource _events;
    private readonly StudioLog _log;
    private readonly SemaphoreSlim _changed = new(0, 1);
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _gate = new();
    private readonly Task _loop;
    private TrainingEvent? _progress;
    private string? _problem;

    public HeadTraining(TuningSession session, StudioSettings settings, EventSource events, StudioLog log)
    {
        (_session, _settings, _events, _log) = (session, settings, events, log);
        _loop = Task.Run(Loop);
        Wake();
    }

    /// <summary>How far the training under way is; null if there is none.</summary>
    public TrainingEvent? Progress
    {
        get
        {
            lock (_gate) return _progress;
        }
    }

    /// <summary>Why the last training failed; null if it did not.</summary>
    public string? Problem
    {
        get
        {
            lock (_gate) return _problem;
        }
    }

    /// <summary>Tells that images have changed.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (_changed.CurrentCount == 0) _changed.Release();
        }
    }

    /// <summary>Ends it; the former head stays.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _loop;
        _end.Dispose();
        _changed.Dispose();
    }

    private async Task Loop()
    {
        try
        {
            while (true)
            {
                await _changed.WaitAsync(_end.Token);
                long began = Environment.TickCount64;
                while (Environment.TickCount64 - began < _settings.TrainEvery.TotalMilliseconds && await _changed.WaitAsync(_settings.TrainAfter, _end.Token))
                {
                }

                if (_session.TrainingProblem is null && (!_session.IsTrained || _session.IsStale)) await Train();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The project is closed.
        }
    }

    private async Task Train()
    {
        string? problem = null;
        try
        {
            Set(new TrainingEvent("train", 0, _settings.Head.Epochs), null);
            await _session.TrainAsync(new ImmediateProgress<StageProgress>(Tell), _end.Token);
        }
        catch (Exception e) when (e is RunStoppedException or not (OperationCanceledException or ObjectDisposedException))
        {
            // Whatever it is, the next image gets another chance.
            problem = e.Message;
            _log.Add($"training the last layer failed: {e.Message}");
        }
        finally
        {
            Set(null, problem);
            _events.Mark(EventKinds.State);
        }
    }

    private void Tell(StageProgress progress)
    {
        if (progress.IsWarning) _events.Tell(progress.Message);
        else if (progress.Pause == PauseState.None) Set(new TrainingEvent(progress.Stage, progress.Done, progress.Total), null);
    }

    private void Set(TrainingEvent? progress, string? problem)
    {
        lock (_gate) (_progress, _problem) = (progress, problem);
        _events.Mark(EventKinds.Training);
    }
}
