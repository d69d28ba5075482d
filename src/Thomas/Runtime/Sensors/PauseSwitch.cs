using System;
using System.Threading;

namespace Thomas.Runtime;

/// <summary>Why a run is paused.</summary>
internal enum PauseCause
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>A person has paused it.</summary>
    User,

    /// <summary>The device is too hot.</summary>
    Temperature,

    /// <summary>The battery is too low.</summary>
    Battery,
}

/// <summary>Lets a person pause a run and let it go on. Safe for any number of threads.</summary>
internal sealed class PauseSwitch : IDisposable
{
    private readonly Lock _gate = new();
    private CancellationTokenSource _changed = new();
    private volatile bool _isOn;

    /// <summary>Whether the run shall be paused.</summary>
    public bool IsOn => _isOn;

    /// <summary>Canceled at the next change.</summary>
    public CancellationToken Changed
    {
        get
        {
            lock (_gate) return _changed.Token;
        }
    }

    /// <summary>Pauses the run, or lets it go on at once.</summary>
    public void Set(bool isOn)
    {
        CancellationTokenSource former;
        lock (_gate)
        {
            if (_isOn == isOn) return;
            _isOn = isOn;
            (former, _changed) = (_changed, new CancellationTokenSource());
        }

        // Not disposed: who waits may still hold its token.
        former.Cancel();
    }

    /// <summary>Called when no run uses it any more.</summary>
    public void Dispose()
    {
        lock (_gate) _changed.Dispose();
    }
}
