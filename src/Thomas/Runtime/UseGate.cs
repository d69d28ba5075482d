using System;
using System.Threading;

namespace Thomas.Runtime;

/// <summary>
/// Lets one thread at a time use an object that is not made for several, at the cost of two interlocked operations a use. A second one is told so instead of
/// getting wrong results. Disposal during a use takes effect at its end. A field, never copied.
/// </summary>
internal struct UseGate
{
    private const int Idle = 0;
    private const int InUse = 1;
    private const int EndsAfterUse = 2;
    private const int Ended = 3;

    private int _state;

    /// <summary>Begins a use; <see cref="Leave"/> must follow.</summary>
    /// <exception cref="ObjectDisposedException">The object is disposed.</exception>
    /// <exception cref="InvalidOperationException">Another thread uses it.</exception>
    public void Enter(object owner)
    {
        int state = Interlocked.CompareExchange(ref _state, InUse, Idle);
        if (state != Idle) Refuse(state, owner);
    }

    /// <summary>Ends a use.</summary>
    /// <returns>Whether the object was disposed meanwhile, so that the caller must free what it holds.</returns>
    public bool Leave()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, InUse) == InUse) return false;
        _state = Ended;
        return true;
    }

    /// <summary>Throws where <see cref="Enter"/> would.</summary>
    public readonly void Check(object owner)
    {
        if (_state != Idle) Refuse(_state, owner);
    }

    /// <summary>Disposes.</summary>
    /// <returns>Whether the caller must free what the object holds: false if that was done before, or is done by the thread that uses it.</returns>
    public bool TryEnd()
    {
        while (true)
        {
            if (Interlocked.CompareExchange(ref _state, Ended, Idle) == Idle) return true;
            if (Interlocked.CompareExchange(ref _state, EndsAfterUse, InUse) == InUse) return false;
            if (Volatile.Read(ref _state) >= EndsAfterUse) return false;
        }
    }

    private static void Refuse(int state, object owner)
    {
        ObjectDisposedException.ThrowIf(state != InUse, owner);
        throw new InvalidOperationException(
            $"This {owner.GetType().Name} is in use by another thread. It serves one thread at a time; give each thread its own.");
    }
}
