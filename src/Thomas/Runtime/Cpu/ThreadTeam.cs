using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Runtime.ExceptionServices;
using System.Threading;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>
/// A fixed group of threads that share loops. Thread t of T begins with items [items*t/T, items*(t+1)/T), so that it meets the rows it
/// wrote in the loop before, and then takes what others have left: a thread that loses its core to another program does not hold up the
/// rest. Items are independent, so who does them changes no result. The calling thread works as thread 0. A run allocates nothing.
/// Between runs the workers spin for some tens of microseconds (the next layer usually comes sooner) and then sleep.
/// A team that is forgotten instead of disposed is collected, and its threads end.
/// </summary>
internal sealed class ThreadTeam : IDisposable
{
    /// <summary>Most threads of a team.</summary>
    public const int MaximumThreads = 1024;

    private readonly Crew _crew;

    /// <summary>Starts the team.</summary>
    /// <param name="threads">Threads in all, the caller's included; 0 means <see cref="DefaultThreads"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="threads"/> is negative or above <see cref="MaximumThreads"/>.</exception>
    public ThreadTeam(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(threads, MaximumThreads);
        Threads = threads == 0 ? DefaultThreads : threads;
        _crew = new Crew(Threads);
    }

    ~ThreadTeam() => _crew?.Stop();

    /// <summary>The number of performance cores, at least 1.</summary>
    public static int DefaultThreads { get; } = CountPerformanceCores(Environment.ProcessorCount, "/sys/devices/system/cpu");

    /// <summary>Threads in the team, the caller's included.</summary>
    public int Threads { get; }

    /// <summary>Workers that have stopped spinning and wait to be woken.</summary>
    internal int SleepingWorkers => _crew.SleepingWorkers;

    /// <summary>
    /// Does all items and returns when they are done. A caller that finds the team at work for another thread does its items alone: waiting for the others
    /// would be no faster.
    /// </summary>
    /// <param name="work">The loop body.</param>
    /// <param name="phase">Passed on to <paramref name="work"/>.</param>
    /// <param name="items">Number of items; nothing happens when it is 0.</param>
    /// <param name="wake">Whether workers that sleep are woken: not worth it for a few tens of microseconds of work. Those still awake help in any
    /// case.</param>
    /// <exception cref="InvalidOperationException">Called from inside work of the same team.</exception>
    public void Run(IParallelWork work, int phase, int items, bool wake = true)
    {
        _crew.Run(work, phase, items, wake);
        GC.KeepAlive(this);
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        _crew.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// Counts the cores whose capacity, as the kernel lists it, is at least 60 % of the largest (big.LITTLE phones list their
    /// small cores far below). Without such a list all <paramref name="processors"/> count. Never more than
    /// <paramref name="processors"/>, which knows of container limits.
    /// </summary>
    internal static int CountPerformanceCores(int processors, string cpuFolder)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsAndroid()) return Math.Max(1, processors);
        List<int> capacities = [];
        try
        {
            for (int cpu = 0; cpu < 1024; cpu++)
            {
                string path = Path.Combine(cpuFolder, $"cpu{cpu}", "cpu_capacity");
                if (!File.Exists(path)) break;
                capacities.Add(int.Parse(File.ReadAllText(path).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException or OverflowException)
        {
            capacities.Clear();
        }

        int largest = 0;
        foreach (int capacity in capacities)
            largest = Math.Max(largest, capacity);
        int big = 0;
        foreach (int capacity in capacities)
            big += capacity * 10L >= largest * 6L ? 1 : 0;
        return Math.Max(1, big == 0 ? processors : Math.Min(big, processors));
    }

    /// <summary>What the workers know of the team. They keep it alive, not the team itself.</summary>
    private sealed class Crew
    {
        /// <summary>Longs from one share to the next: a cache line each.</summary>
        private const int ShareStride = 8;

        private static readonly long SpinTicks = Stopwatch.Frequency / 20_000; // 50 us

        private readonly int _threads;
        private readonly Thread[] _workers;
        private readonly Exception?[] _errors;

        // One per thread: the epoch in the upper half, items of the share that nobody has taken in the lower.
        private readonly long[] _shares;
        private readonly object _runGate = new();
        private readonly object _startGate = new();
        private readonly object _doneGate = new();

        private IParallelWork? _work;
        private int _phase;
        private int _items;
        private int _epoch;
        private int _open;
        private int _sleepers;
        private int _callerSleeps;
        private bool _disposed;

        public Crew(int threads)
        {
            _threads = threads;
            _errors = new Exception?[threads];
            _shares = new long[threads * ShareStride];
            _workers = new Thread[threads - 1];
            for (int i = 0; i < _workers.Length; i++)
            {
                int thread = i + 1;
                _workers[i] = new Thread(() => WorkerLoop(thread)) { IsBackground = true, Name = $"Thomas worker {thread}" };
                try
                {
                    _workers[i].Start();
                }
                catch (OutOfMemoryException e)
                {
                    Stop();
                    throw new ThomasException($"The system refuses to start more threads: {thread} of {threads} are running. Use fewer.", e);
                }
            }
        }

        public int SleepingWorkers => Volatile.Read(ref _sleepers);

        public void Run(IParallelWork work, int phase, int items, bool wake)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(items);
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), typeof(ThreadTeam));
            if (_threads == 1 || items == 1 || (!wake && SleepingWorkers == _workers.Length))
            {
                if (items > 0) work.Run(phase, 0, items, 0);
                return;
            }

            if (items == 0) return;
            if (Monitor.IsEntered(_runGate) || Array.IndexOf(_workers, Thread.CurrentThread) >= 0)
            {
                throw new InvalidOperationException("A thread team cannot be used by the work that it is running.");
            }

            if (!Monitor.TryEnter(_runGate))
            {
                work.Run(phase, 0, items, 0);
                return;
            }

            try
            {
                // Again, now that no Dispose can come between: without workers the wait below would never end.
                ObjectDisposedException.ThrowIf(_disposed, typeof(ThreadTeam));
                Start(work, phase, items, wake);
                DoShares(0, _epoch);
                WaitForItems();
                _work = null;
                RethrowFirstError();
            }
            finally
            {
                Monitor.Exit(_runGate);
            }
        }

        public void Dispose()
        {
            lock (_runGate)
            {
                if (_disposed) return;
                Stop();
            }

            foreach (Thread worker in _workers)
                worker.Join();
        }

        /// <summary>Asks the workers to end. No run may be under way.</summary>
        public void Stop()
        {
            Volatile.Write(ref _disposed, true);
            Interlocked.Increment(ref _epoch);
            lock (_startGate)
                Monitor.PulseAll(_startGate);
        }

        private void Start(IParallelWork work, int phase, int items, bool wake)
        {
            _work = work;
            _phase = phase;
            _items = items;
            _open = items;
            int epoch = _epoch + 1;
            for (int share = 0; share < _threads; share++)
                Volatile.Write(ref _shares[share * ShareStride], ((long)epoch << 32) | (uint)(ShareEnd(share) - ShareEnd(share - 1)));

            // The full fence orders the fields above before the new epoch and the read of _sleepers after it.
            Interlocked.Increment(ref _epoch);
            if (wake && Volatile.Read(ref _sleepers) > 0)
            {
                lock (_startGate)
                    Monitor.PulseAll(_startGate);
            }
        }

        private int ShareEnd(int share) => (int)((long)_items * (share + 1) / _threads);

        /// <summary>Does items of the thread's own share, then of the others' in turn, until none is left to take.</summary>
        private void DoShares(int thread, int epoch)
        {
            for (int i = 0; i < _threads; i++)
            {
                int share = (thread + i) % _threads;
                while (TryTake(share, epoch, out int begin, out int end))
                {
                    try
                    {
                        _work!.Run(_phase, begin, end, thread);
                    }
#pragma warning disable CA1031 // every exception goes to the caller of Run
                    catch (Exception e)
#pragma warning restore CA1031
                    {
                        _errors[thread] = e;
                    }

                    if (Interlocked.Add(ref _open, begin - end) == 0 && thread != 0 && Volatile.Read(ref _callerSleeps) != 0)
                    {
                        lock (_doneGate)
                            Monitor.Pulse(_doneGate);
                    }
                }
            }
        }

        /// <summary>
        /// Takes half of what is left of a share. A thread that comes late finds the share empty or of another epoch. While a share of the epoch has items,
        /// the run has not ended, so the fields of the run hold still; where the exchange succeeds they did from the first read on.
        /// </summary>
        private bool TryTake(int share, int epoch, out int begin, out int end)
        {
            ref long state = ref _shares[share * ShareStride];
            while (true)
            {
                long seen = Volatile.Read(ref state);
                int left = (int)seen;
                if ((int)(seen >> 32) != epoch || left == 0)
                {
                    begin = end = 0;
                    return false;
                }

                int take = (left + 1) / 2;
                begin = ShareEnd(share) - left;
                end = begin + take;
                if (Interlocked.CompareExchange(ref state, seen - take, seen) == seen) return true;
            }
        }

        private void WaitForItems()
        {
            long until = Stopwatch.GetTimestamp() + SpinTicks;
            while (Volatile.Read(ref _open) != 0)
            {
                if (Stopwatch.GetTimestamp() < until)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                lock (_doneGate)
                {
                    Interlocked.Exchange(ref _callerSleeps, 1);
                    while (Volatile.Read(ref _open) != 0)
                        Monitor.Wait(_doneGate);
                    _callerSleeps = 0;
                }
            }
        }

        private void RethrowFirstError()
        {
            Exception? first = null;
            for (int i = _errors.Length - 1; i >= 0; i--)
            {
                first = _errors[i] ?? first;
                _errors[i] = null;
            }

            if (first is not null) ExceptionDispatchInfo.Capture(first).Throw();
        }

        private void WorkerLoop(int thread)
        {
            int seen = 0;
            while (true)
            {
                seen = WaitForEpochAfter(seen);
                if (Volatile.Read(ref _disposed)) return;
                DoShares(thread, seen);
            }
        }

        private int WaitForEpochAfter(int seen)
        {
            long until = Stopwatch.GetTimestamp() + SpinTicks;
            while (true)
            {
                int epoch = Volatile.Read(ref _epoch);
                if (epoch != seen) return epoch;
                if (Stopwatch.GetTimestamp() < until)
                {
                    Thread.SpinWait(8);
                    continue;
                }

                lock (_startGate)
                {
                    Interlocked.Increment(ref _sleepers);
                    while (Volatile.Read(ref _epoch) == seen)
                        Monitor.Wait(_startGate);
                    Interlocked.Decrement(ref _sleepers);
                }
            }
        }
    }
}
