using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Thomas.Runtime;

/// <summary>
/// A few executables of one graph for several threads. They share constants and thread team; an arena is allocated when so many are first in use at once. A
/// caller that finds all of them in use waits. Of those at work one has the team; the others compute on their callers' threads, which changes no bit.
/// </summary>
internal sealed class ExecutablePool : IDisposable
{
    private readonly string _owner;
    private readonly CompiledGraph _compiled;
    private readonly ConstantMemory _constants;
    private readonly ThreadTeam _team;

    // Its permits are the executables that may still be taken or made. Never disposed, which only its wait handle would need: those who wait must wake.
    private readonly SemaphoreSlim _free;
    private readonly Stack<Executable> _idle = new();
    private readonly Lock _gate = new();
    private int _made;
    private bool _disposed;

    /// <param name="compiled">The graph.</param>
    /// <param name="limit">Most executables.</param>
    /// <param name="owner">What the error calls the pool once it is disposed.</param>
    public ExecutablePool(CompiledGraph compiled, int limit, string owner)
    {
        _owner = owner;
        _compiled = compiled;
        ConstantMemory? constants = null;
        ThreadTeam? team = null;
        try
        {
            constants = new ConstantMemory(_compiled);
            team = new ThreadTeam(_compiled.Threads);
            Executable first = Executable.Create(_compiled, null, team, constants);
            _idle.Push(first);
            Kernels = first.Kernels;
        }
        catch
        {
            team?.Dispose();
            constants?.Dispose();
            throw;
        }

        (_constants, _team, _made) = (constants, team, 1);
        _free = new SemaphoreSlim(limit);
    }

    /// <summary>Names of the kernels in the order they run.</summary>
    public IReadOnlyList<string> Kernels { get; }

    /// <summary>Executables made so far.</summary>
    public int Made
    {
        get
        {
            lock (_gate) return _made;
        }
    }

    /// <summary>Bytes of the constants and of the arenas allocated so far.</summary>
    public long SizeBytes => _compiled.ConstantBytes + (Made * _compiled.Plan.ArenaBytes);

    /// <summary>Takes an executable; waits while all are in use.</summary>
    /// <exception cref="ObjectDisposedException">The pool is disposed, or was while this call waited.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while it waited.</exception>
    public Lease Rent(CancellationToken cancellation = default)
    {
        while (true)
        {
            _free.Wait(cancellation);
            if (Take() is Executable executable) return new Lease(this, executable);
        }
    }

    /// <summary>As <see cref="Rent"/>, without a thread that waits.</summary>
    public async ValueTask<Lease> RentAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await _free.WaitAsync(cancellation).ConfigureAwait(false);
            if (Take() is Executable executable) return new Lease(this, executable);
        }
    }

    /// <summary>Frees all that is not in use, and the rest when it is given back. Callers that wait are told.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _made -= _idle.Count;
            while (_idle.TryPop(out Executable? executable)) executable.Dispose();
            if (_made == 0) Release();
        }

        // Wakes one that waits, which wakes the next.
        _free.Release();
    }

    /// <summary>
    /// The executable for a permit; null if there is no memory for one more, so that the permit is gone and the caller waits for those there are.
    /// </summary>
    private Executable? Take()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                _free.Release();
                throw new ObjectDisposedException(_owner);
            }

            if (_idle.TryPop(out Executable? executable)) return executable;
            try
            {
                executable = Executable.Create(_compiled, null, _team, _constants);
                _made++;
                return executable;
            }
            catch (Exception e) when (_made > 0 && e is ThomasException or OutOfMemoryException)
            {
                return null;
            }
        }
    }

    private void Return(Executable executable)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                executable.Dispose();
                if (--_made == 0) Release();
            }
            else
            {
                _idle.Push(executable);
            }
        }

        _free.Release();
    }

    private void Release()
    {
        _team.Dispose();
        _constants.Dispose();
    }

    /// <summary>An executable that is the caller's until disposal.</summary>
    internal readonly struct Lease(ExecutablePool pool, Executable executable) : IDisposable
    {
        public Executable Executable => executable;

        public void Dispose() => pool.Return(executable);
    }
}
