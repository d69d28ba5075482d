using System;
using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Thomas.Training;

/// <summary>
/// Prepares the next batches on threads of its own, in a small ring of buffers, while the network computes; without threads, in place when they are asked for.
/// What is in a batch depends on epoch, step and run alone, not on the threads. Warm, it allocates nothing.
/// </summary>
internal sealed class BatchLoader : IDisposable
{
    private const int NotReady = -1;

    private readonly BatchPlan _plan;
    private readonly BatchMaker[] _makers;
    private readonly Thread[] _workers;
    private readonly Batch[] _ring;
    private readonly long _batchBytes;
    private readonly int[] _ready;
    private readonly object _gate = new();
    private int _claimed;
    private int _taken;
    private int _total;
    private int _working;
    private int _series;
    private bool _stopped;
    private ExceptionDispatchInfo? _failure;

    /// <param name="plan">Which images go where.</param>
    /// <param name="threads">Threads; with 0 a batch is prepared when it is asked for.</param>
    /// <param name="inputLength">Numbers of an image.</param>
    /// <param name="maker">Makes a maker for each thread.</param>
    public BatchLoader(BatchPlan plan, int threads, int inputLength, Func<BatchMaker> maker)
    {
        _plan = plan;
        _batchBytes = Batch.BytesOf(plan.MicroBatch, inputLength, plan.Classes);
        _ring = new Batch[Slots(threads)];
        _ready = new int[_ring.Length];
        for (int i = 0; i < _ring.Length; i++) _ring[i] = new Batch(plan.MicroBatch, inputLength, plan.Classes);
        _makers = new BatchMaker[Math.Max(1, threads)];
        for (int i = 0; i < _makers.Length; i++) _makers[i] = maker();
        _workers = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            BatchMaker own = _makers[i];
            _workers[i] = new Thread(() => Work(own)) { IsBackground = true, Name = $"Thomas batch loader {i + 1}" };
            _workers[i].Start();
        }
    }

    /// <summary>Time that <see cref="Next"/> took in all: what the network had to wait for its images.</summary>
    public TimeSpan Waited { get; private set; }

    /// <summary>Bytes of the ring.</summary>
    public long SizeBytes => _ring.Length * _batchBytes;

    /// <summary>Bytes that a ring of these sizes would have.</summary>
    public static long BytesOf(int threads, int microBatch, int inputLength, int classes) => Slots(threads) * Batch.BytesOf(microBatch, inputLength, classes);

    /// <summary>Begins an epoch, or a part of it; batches that were prepared ahead are dropped.</summary>
    /// <param name="epoch">Number of the epoch, from 1.</param>
    /// <param name="step">The step whose batches come first.</param>
    public void Start(int epoch, int step)
    {
        lock (_gate)
        {
            _series++;
            _total = 0;
            while (_working > 0) Monitor.Wait(_gate);
            _failure?.Throw();
            _plan.Begin(epoch);
            _claimed = _taken = step * _plan.RunsPerStep;
            _total = ((_plan.Steps - 1) * _plan.RunsPerStep) + _plan.Runs(_plan.Steps - 1);
            Array.Fill(_ready, NotReady);
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Whether the epoch has one more batch.</summary>
    public bool HasNext => _taken < _total;

    /// <summary>Writes the next batch. Waits for it if it is not ready.</summary>
    /// <exception cref="InvalidOperationException">The epoch has no more.</exception>
    public void Next(BatchSpans batch)
    {
        long start = Stopwatch.GetTimestamp();
        int index = _taken;
        if (index >= _total) throw new InvalidOperationException("The epoch has no more batches.");
        if (_workers.Length == 0)
        {
            _makers[0].Fill(index / _plan.RunsPerStep, index % _plan.RunsPerStep, batch);
            _taken++;
        }
        else
        {
            lock (_gate)
            {
                while (_ready[index % _ring.Length] != index && _failure is null) Monitor.Wait(_gate);
                _failure?.Throw();
            }

            _ring[index % _ring.Length].CopyTo(batch);
            lock (_gate)
            {
                // From here on the buffer may be overwritten.
                _taken++;
                Monitor.PulseAll(_gate);
            }
        }

        Waited += Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Ends the threads and waits for them.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopped = true;
            Monitor.PulseAll(_gate);
        }

        foreach (Thread worker in _workers) worker.Join();
    }

    /// <summary>One batch that is ready, and one for each thread to prepare.</summary>
    private static int Slots(int threads) => threads == 0 ? 0 : threads + 1;

    private void Work(BatchMaker maker)
    {
        while (TryClaim(out int index, out int series))
        {
            try
            {
                maker.Fill(index / _plan.RunsPerStep, index % _plan.RunsPerStep, _ring[index % _ring.Length].Spans);
            }
#pragma warning disable CA1031 // whatever it is, it must reach the thread that trains
            catch (Exception error)
#pragma warning restore CA1031
            {
                lock (_gate) _failure ??= ExceptionDispatchInfo.Capture(error);
            }

            lock (_gate)
            {
                _working--;
                if (series == _series) _ready[index % _ring.Length] = index;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private bool TryClaim(out int index, out int series)
    {
        lock (_gate)
        {
            while (!_stopped && !(_claimed < _total && _claimed - _taken < _ring.Length && _failure is null)) Monitor.Wait(_gate);
            index = _claimed++;
            series = _series;
            _working += _stopped ? 0 : 1;
            return !_stopped;
        }
    }
}
