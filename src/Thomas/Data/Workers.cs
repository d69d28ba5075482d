using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Thomas.Data;

/// <summary>
/// Runs independent pieces of work of uneven length (reading, decoding) on a few threads that each take the next piece. Which thread does which piece is left
/// open, so each piece must write to a place of its own; for kernels there is the thread team with its fixed split.
/// </summary>
internal static class Workers
{
    /// <summary>Calls <paramref name="work"/> for 0 .. count - 1 and returns when all are done. The calling thread works too.</summary>
    /// <param name="count">Number of pieces.</param>
    /// <param name="threads">Number of threads; 0 means one for each processor.</param>
    /// <param name="work">Does one piece. The first exception ends the run and is thrown again here.</param>
    /// <param name="cancellation">Checked before each piece.</param>
    public static void Run(int count, int threads, Action<int> work, CancellationToken cancellation)
    {
        int workers = Math.Min(threads > 0 ? threads : Environment.ProcessorCount, count);
        Queue queue = new(count, work, cancellation);
        Thread[] helpers = new Thread[Math.Max(0, workers - 1)];
        for (int i = 0; i < helpers.Length; i++)
        {
            helpers[i] = new Thread(queue.Drain) { IsBackground = true, Name = $"Thomas image worker {i + 1}" };
            helpers[i].Start();
        }

        queue.Drain();
        foreach (Thread helper in helpers)
        {
            helper.Join();
        }

        queue.ThrowIfFailed();
        cancellation.ThrowIfCancellationRequested();
    }

    private sealed class Queue(int count, Action<int> work, CancellationToken cancellation)
    {
        private ExceptionDispatchInfo? _failure;
        private int _next = -1;

        public void Drain()
        {
            try
            {
                int index;
                while (Volatile.Read(ref _failure) is null && !cancellation.IsCancellationRequested && (index = Interlocked.Increment(ref _next)) < count)
                {
                    work(index);
                }
            }
            catch (Exception error)
            {
                // Whatever it is, it must reach the caller's thread and not end the process from this one.
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(error), null);
            }
        }

        public void ThrowIfFailed() => _failure?.Throw();
    }
}
