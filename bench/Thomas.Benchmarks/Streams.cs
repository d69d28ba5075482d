using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Thomas.Kernels;
using Thomas.Kernels.Simd;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>
/// How fast the team's threads read and write memory front to back, again and again over as many bytes as a kernel touches: what fits a cache is measured in
/// that cache.
/// </summary>
internal sealed unsafe class Streams(ThreadTeam team) : IParallelWork, IDisposable
{
    private const int ItemFloats = 4096;
    private const long Smallest = 64 << 10;
    private const long Largest = 256 << 20;
    private const double SecondsEach = 0.01;

    private readonly float* _memory = (float*)NativeMemory.AlignedAlloc((nuint)Largest, 64);
    private readonly Dictionary<(bool Write, int Items), double> _rates = [];
    private float _sink;

    /// <summary>The least time for so many bytes read and written.</summary>
    public double Seconds(long read, long written) => (read / Rate(write: false, read + written)) + (written / Rate(write: true, read + written));

    /// <inheritdoc/>
    public void Run(int phase, int begin, int end, int thread)
    {
        for (int item = begin; item < end; item++)
        {
            float* at = _memory + ((long)item * ItemFloats);
            switch (CpuFeatures.VectorLength)
            {
                case 16: Item<Simd512, Vector512<float>>(at, phase == 1); break;
                case 8: Item<Simd256, Vector256<float>>(at, phase == 1); break;
                case 4: Item<Simd128, Vector128<float>>(at, phase == 1); break;
                default: Item<Simd1, float>(at, phase == 1); break;
            }
        }
    }

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    /// <summary>Bytes a second over a working set of that size, rounded to a power of two; the best of several passes, measured once.</summary>
    private double Rate(bool write, long bytes)
    {
        long size = Math.Clamp((long)System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)Math.Max(bytes * 3 / 4, 1)), Smallest, Largest);
        int items = (int)(size / (ItemFloats * sizeof(float)));
        if (_rates.TryGetValue((write, items), out double rate)) return rate;
        double best = double.PositiveInfinity;
        team.Run(this, 1, items);
        long begin = Stopwatch.GetTimestamp();
        for (int pass = 0; pass < 4 || Stopwatch.GetElapsedTime(begin).TotalSeconds < SecondsEach; pass++)
        {
            long start = Stopwatch.GetTimestamp();
            team.Run(this, write ? 1 : 0, items);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }

        return _rates[(write, items)] = size / best;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private void Item<TSimd, TVec>(float* at, bool write)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec a = TSimd.Create(0), b = a, c = a, d = a;
        for (int i = 0; i < ItemFloats; i += 4 * TSimd.Length)
        {
            float* p = at + i;
            if (write)
            {
                TSimd.Store(a, p);
                TSimd.Store(a, p + TSimd.Length);
                TSimd.Store(a, p + (2 * TSimd.Length));
                TSimd.Store(a, p + (3 * TSimd.Length));
            }
            else
            {
                a = TSimd.Add(a, TSimd.Load(p));
                b = TSimd.Add(b, TSimd.Load(p + TSimd.Length));
                c = TSimd.Add(c, TSimd.Load(p + (2 * TSimd.Length)));
                d = TSimd.Add(d, TSimd.Load(p + (3 * TSimd.Length)));
            }
        }

        if (!write) _sink += TSimd.Sum(TSimd.Add(TSimd.Add(a, b), TSimd.Add(c, d)));
    }
}
