using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading;
using Thomas.Kernels;
using Thomas.Kernels.Simd;
using Thomas.Runtime;

namespace Thomas.Study;

/// <summary>What the machine gives at most at this moment: multiply-adds in registers, on one thread or several.</summary>
internal sealed class PeakRate : IParallelWork, IDisposable
{
    private const int Steps = 200_000;
    private const int ItemsEach = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, (ThreadTeam Team, int VectorLength)> _teams = [];
    private int _vectorLength;
    private float _sink;

    /// <summary>
    /// The rate of all threads together, in a few milliseconds, with the vectors that are fastest here: some processors multiply and add twice as much with 512
    /// bits as with 256, some the same or, with a lower clock, less.
    /// </summary>
    public double GigaflopsPerSecond(int threads)
    {
        lock (_gate)
        {
            if (!_teams.TryGetValue(threads, out (ThreadTeam Team, int VectorLength) known))
            {
                ThreadTeam team = new(threads);
                known = (team, Fastest(team));
                _teams.Add(threads, known);
            }

            return Rate(known.Team, known.VectorLength);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((ThreadTeam team, _) in _teams.Values) team.Dispose();
        _teams.Clear();
    }

    /// <summary>The length of the vectors that give most, each measured a few times in turn.</summary>
    private int Fastest(ThreadTeam team)
    {
        double[] best = new double[CpuFeatures.VectorLength + 1];
        int fastest = CpuFeatures.VectorLength;
        for (int round = 0; round < 4; round++)
        {
            // The first round warms up.
            for (int length = CpuFeatures.VectorLength; length >= 1; length /= 2)
            {
                if (length == 2) continue;
                double rate = Rate(team, length);
                if (round > 0) best[length] = Math.Max(best[length], rate);
            }
        }

        for (int length = 1; length < best.Length; length++)
        {
            if (best[length] > best[fastest]) fastest = length;
        }

        return fastest;
    }

    private double Rate(ThreadTeam team, int vectorLength)
    {
        _vectorLength = vectorLength;
        long start = Stopwatch.GetTimestamp();
        team.Run(this, 0, ItemsEach * team.Threads);
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return 2.0 * vectorLength * 12 * (Steps / 12) * ItemsEach * team.Threads / seconds * 1e-9;
    }

    /// <inheritdoc/>
    public void Run(int phase, int begin, int end, int thread)
    {
        for (int item = begin; item < end; item++)
        {
            _sink += _vectorLength switch
            {
                16 => Item<Simd512, Vector512<float>>(),
                8 => Item<Simd256, Vector256<float>>(),
                4 => Item<Simd128, Vector128<float>>(),
                _ => Item<Simd1, float>(),
            };
        }
    }

    /// <summary>Twelve independent sums: enough to cover the latency of the multiply-add units.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static float Item<TSimd, TVec>()
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec x = TSimd.Create(0.5f), y = TSimd.Create(0.25f);
        TVec a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int step = 0; step < Steps / 12; step++)
        {
            a = TSimd.MultiplyAdd(a, x, y);
            b = TSimd.MultiplyAdd(b, x, y);
            c = TSimd.MultiplyAdd(c, x, y);
            d = TSimd.MultiplyAdd(d, x, y);
            e = TSimd.MultiplyAdd(e, x, y);
            f = TSimd.MultiplyAdd(f, x, y);
            g = TSimd.MultiplyAdd(g, x, y);
            h = TSimd.MultiplyAdd(h, x, y);
            i = TSimd.MultiplyAdd(i, x, y);
            j = TSimd.MultiplyAdd(j, x, y);
            k = TSimd.MultiplyAdd(k, x, y);
            l = TSimd.MultiplyAdd(l, x, y);
        }

        TVec first = TSimd.Add(TSimd.Add(TSimd.Add(a, b), TSimd.Add(c, d)), TSimd.Add(e, f));
        return TSimd.Sum(TSimd.Add(first, TSimd.Add(TSimd.Add(TSimd.Add(g, h), TSimd.Add(i, j)), TSimd.Add(k, l))));
    }
}
