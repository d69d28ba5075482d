using System;
using System.Threading;
using System.Threading.Tasks;

namespace Thomas.Studio.Http;

/// <summary>Bounds how much work, and how many bodies, are in memory at once. Some requests may wait; more are told to come back.</summary>
internal sealed class HeavyGate(int atOnce, int waiting) : IDisposable
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    private readonly SemaphoreSlim _free = new(atOnce);
    private int _inside;

    /// <summary>Waits for a place, which is given back by disposing.</summary>
    /// <exception cref="StudioException">Too many are waiting, or it takes too long.</exception>
    public async Task<IDisposable> Enter(CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _inside) > atOnce + waiting)
        {
            Interlocked.Decrement(ref _inside);
            throw StudioException.Busy();
        }

        bool entered = false;
        try
        {
            entered = await _free.WaitAsync(Longest, cancellation);
            return entered ? new Place(this) : throw StudioException.Busy();
        }
        finally
        {
            if (!entered) Interlocked.Decrement(ref _inside);
        }
    }

    public void Dispose() => _free.Dispose();

    private void Leave()
    {
        _free.Release();
        Interlocked.Decrement(ref _inside);
    }

    private sealed class Place(HeavyGate gate) : IDisposable
    {
        private HeavyGate? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.Leave();
    }
}
