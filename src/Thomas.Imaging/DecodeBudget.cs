using System;
using System.Collections.Generic;
using System.Threading;

namespace Thomas.Imaging;

/// <summary>Memory that decodes share. Each takes what it will need and waits, in the order of arrival, until the ones before it leave as much.</summary>
internal sealed class DecodeBudget(long total)
{
    private readonly object _gate = new();
    private readonly LinkedList<long> _waiting = new();
    private long _taken;

    /// <summary>Waits for a share; one that is larger than the whole waits until it is alone.</summary>
    /// <param name="bytes">Bytes that the decode will hold.</param>
    /// <returns>The share, which is given back on disposal.</returns>
    public Share Take(long bytes)
    {
        bytes = Math.Min(bytes, total);
        lock (_gate)
        {
            LinkedListNode<long> turn = _waiting.AddLast(bytes);
            try
            {
                while (_waiting.First != turn || _taken + bytes > total)
                {
                    Monitor.Wait(_gate);
                }

                _taken += bytes;
            }
            finally
            {
                // Also a thread that is interrupted while it waits makes way for those after it.
                _waiting.Remove(turn);
                Monitor.PulseAll(_gate);
            }
        }

        return new Share(this, bytes);
    }

    private void GiveBack(long bytes)
    {
        lock (_gate)
        {
            _taken -= bytes;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>A part of the budget.</summary>
    public readonly struct Share(DecodeBudget budget, long bytes) : IDisposable
    {
        /// <inheritdoc/>
        public void Dispose() => budget.GiveBack(bytes);
    }
}
