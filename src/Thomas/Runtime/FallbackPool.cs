using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Thomas.Runtime;

/// <summary>
/// Executables of one graph for several threads; of the CPU where the device has no memory for them, and from when it fails: what it was at is done again.
/// </summary>
internal sealed class FallbackPool : IDisposable
{
    private readonly ExecutablePool _pool;
    private readonly Func<CompileOptions, ExecutablePool> _create;
    private readonly CompileOptions _options;
    private readonly List<string> _notes = [];
    private readonly Lock _gate = new();

    // What goes on where the device of the first has failed.
    private ExecutablePool? _hostPool;
    private bool _isDisposed;

    /// <param name="options">The device.</param>
    /// <param name="create">Compiles the graph.</param>
    public FallbackPool(CompileOptions options, Func<CompileOptions, ExecutablePool> create)
    {
        (_options, _create) = (options, create);
        try
        {
            _pool = create(options);
            if (DeviceFailure.IsPossible(options)) _notes.AddRange(Device.Of(options).Problems);
        }
        catch (ThomasException e) when (DeviceFailure.IsOne(e, options))
        {
            _pool = create(DeviceFailure.OnHost(options));
            IsOnHost = true;
            _notes.Add(DeviceFailure.Describe(e));
        }
    }

    /// <summary>What computes now.</summary>
    public ExecutablePool Pool
    {
        get
        {
            lock (_gate) return _hostPool ?? _pool;
        }
    }

    /// <summary>Whether the CPU computes in the place of the device that was asked for.</summary>
    public bool IsOnHost { get; private set; }

    /// <summary>Kernels of the device that cannot be used, and that it has failed, so that the CPU has computed from there on.</summary>
    public IReadOnlyList<string> Notes
    {
        get
        {
            lock (_gate) return [.. _notes];
        }
    }

    /// <summary>Does something with an executable; again with one of the CPU if the device fails.</summary>
    public T Work<T>(Func<Executable, T> work)
    {
        ExecutablePool pool = Pool;
        try
        {
            using ExecutablePool.Lease lease = pool.Rent();
            return work(lease.Executable);
        }
        catch (ThomasException e) when (IsFailure(e, pool))
        {
            using ExecutablePool.Lease lease = HostPool(e).Rent();
            return work(lease.Executable);
        }
    }

    /// <summary>As <see cref="Work"/>, on the thread pool.</summary>
    public async Task<T> WorkAsync<T>(Func<Executable, T> work, CancellationToken cancellation)
    {
        ExecutablePool pool = Pool;
        try
        {
            return await WorkAsync(pool, work, cancellation).ConfigureAwait(false);
        }
        catch (ThomasException e) when (IsFailure(e, pool))
        {
            return await WorkAsync(HostPool(e), work, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Frees memory and threads when the work under way has finished; does not wait for it.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _hostPool?.Dispose();
        }

        _pool.Dispose();
    }

    private static async Task<T> WorkAsync<T>(ExecutablePool pool, Func<Executable, T> work, CancellationToken cancellation)
    {
        using ExecutablePool.Lease lease = await pool.RentAsync(cancellation).ConfigureAwait(false);
        return await Task.Run(() => work(lease.Executable), cancellation).ConfigureAwait(false);
    }

    private bool IsFailure(ThomasException e, ExecutablePool pool) => ReferenceEquals(pool, _pool) && DeviceFailure.IsOne(e, _options);

    /// <summary>Executables of the CPU, made when the device first fails. The failed ones stay until the end, since others may have them.</summary>
    private ExecutablePool HostPool(ThomasException e)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_hostPool is not null) return _hostPool;
            _hostPool = _create(DeviceFailure.OnHost(_options));
            IsOnHost = true;
            _notes.Add(DeviceFailure.Describe(e));
            return _hostPool;
        }
    }
}
