using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Thomas.Studio.Http;

/// <summary>What a listener may be told of.</summary>
[Flags]
internal enum EventKinds
{
    None = 0,
    State = 1,
    Training = 2,
    Run = 4,
    Pull = 8,
    Notice = 16,
}

/// <summary>
/// What one listener has not been told yet. Of a kind that is marked twice it is told once, as things are then, so a slow listener costs no memory.
/// </summary>
internal sealed class EventQueue : IDisposable
{
    private const int MostNotices = 20;

    private readonly Lock _gate = new();
    private readonly Queue<string> _notices = new();
    private readonly SemaphoreSlim _signal = new(0, 1);
    private EventKinds _pending;

    /// <summary>Marks that there is something of a kind.</summary>
    public void Mark(EventKinds kind)
    {
        lock (_gate)
        {
            _pending |= kind;
            if (_signal.CurrentCount == 0) _signal.Release();
        }
    }

    /// <summary>Adds a sentence; of many the last are kept.</summary>
    public void Add(string notice)
    {
        lock (_gate)
        {
            _notices.Enqueue(notice);
            if (_notices.Count > MostNotices) _notices.Dequeue();
        }

        Mark(EventKinds.Notice);
    }

    /// <summary>Waits until something is marked, or for a time.</summary>
    public Task<bool> Wait(TimeSpan time, CancellationToken cancellation) => _signal.WaitAsync(time, cancellation);

    /// <summary>Takes what is pending of the kinds that may be told now.</summary>
    public EventKinds Take(EventKinds may)
    {
        lock (_gate)
        {
            EventKinds taken = _pending & may;
            _pending &= ~taken;
            return taken;
        }
    }

    /// <summary>Whether something is pending.</summary>
    public bool HasPending
    {
        get
        {
            lock (_gate) return _pending != EventKinds.None;
        }
    }

    /// <summary>Takes the sentences.</summary>
    public string[] TakeNotices()
    {
        lock (_gate)
        {
            string[] notices = [.. _notices];
            _notices.Clear();
            return notices;
        }
    }

    public void Dispose() => _signal.Dispose();
}

/// <summary>What tells its listeners of changes.</summary>
internal sealed class EventSource
{
    private readonly Lock _gate = new();
    private readonly List<EventQueue> _queues = [];

    public void Add(EventQueue queue)
    {
        lock (_gate) _queues.Add(queue);
    }

    public void Remove(EventQueue queue)
    {
        lock (_gate) _queues.Remove(queue);
    }

    public void Mark(EventKinds kind)
    {
        lock (_gate)
        {
            foreach (EventQueue queue in _queues) queue.Mark(kind);
        }
    }

    public void Tell(string notice)
    {
        lock (_gate)
        {
            foreach (EventQueue queue in _queues) queue.Add(notice);
        }
    }
}
