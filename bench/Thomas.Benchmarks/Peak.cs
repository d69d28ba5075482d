using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading;
using Thomas.Kernels;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>What the machine gives at most at this moment: multiply-adds in registers, on one thread or several.</summary>
internal sealed class Peak : IParallelWork
{
    private const int Steps = 200_000;
    private const int ItemsEach = 16;

    private static readonly Peak Work = new();
    private static readonly Lock Gate = new();
    private static ThreadTeam? _team;

    private float _sink;

    /// <summary>The rate of all threads together, in a few milliseconds; 0 without vector multiply-add on this machine.</summary>
    public static double GigaflopsPerSecond(int threads)
    {
        if (!Vector256.IsHardwareAccelerated) return 0;
        lock (Gate)
        {
            if (_team?.Threads != threads)
            {
                _team?.Dispose();
                _team = new ThreadTeam(threads);
                _team.Run(Work, 0, threads);
            }

            long start = Stopwatch.GetTimestamp();
            _team.Run(Work, 0, ItemsEach * threads);
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            return 2.0 * 8 * 12 * Steps / 12 * ItemsEach * threads / seconds * 1e-9;
        }
    }

    /// <inheritdoc/>
    public void Run(int phase, int begin, int end, int thread)
    {
        for (int item = begin; item < end; item++) _sink += Item();
    }

    /// <summary>Twelve independent sums: enough to cover the latency of the two multiply-add units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Item()
    {
        Vector256<float> x = Vector256.Create(0.5f), y = Vector256.Create(0.25f);
        Vector256<float> a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int step = 0; step < Steps / 12; step++)
        {
            a = Fma(a, x, y);
            b = Fma(b, x, y);
            c = Fma(c, x, y);
            d = Fma(d, x, y);
            e = Fma(e, x, y);
            f = Fma(f, x, y);
            g = Fma(g, x, y);
            h = Fma(h, x, y);
            i = Fma(i, x, y);
            j = Fma(j, x, y);
            k = Fma(k, x, y);
            l = Fma(l, x, y);
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Fma(Vector256<float> a, Vector256<float> x, Vector256<float> y) => Vector256.FusedMultiplyAdd(a, x, y);
}
