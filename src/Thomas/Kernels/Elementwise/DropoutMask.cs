using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Thomas.Kernels.Elementwise;

/// <summary>
/// Which elements a dropout keeps: a function of seed, step and the element's index, so the same mask can be made again, in any order and by any number of
/// threads. Seed and step become two 32-bit keys by SplitMix64 (Steele et al. 2014); the index passes twice through Wellons' lowbias32, a key before each pass.
/// </summary>
internal readonly unsafe struct DropoutMask
{
    // Of 2^24 equally likely numbers, those from the threshold on are kept.
    private const int Bits = 24;

    private readonly uint _firstKey;
    private readonly uint _secondKey;
    private readonly int _threshold;
    private readonly float _kept;

    /// <param name="seed">Differs between the dropouts of a network.</param>
    /// <param name="step">A whole number from 0 on that differs between training steps.</param>
    /// <param name="rate">The share of elements that become zero, in [0, 1).</param>
    public DropoutMask(ulong seed, double step, float rate)
    {
        ulong keys = SplitMix64(SplitMix64(seed) + (ulong)step);
        (_firstKey, _secondKey) = ((uint)keys, (uint)(keys >> 32));
        _threshold = Threshold(rate);
        _kept = 1 - rate;
    }

    /// <summary>The least number of 24 bits that keeps an element.</summary>
    public static int Threshold(float rate) => (int)(rate * (1 << Bits));

    /// <summary>The next number of the generator SplitMix64.</summary>
    public static ulong SplitMix64(ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB;
        return state ^ (state >> 31);
    }

    /// <summary>Whether the element is kept.</summary>
    public bool Keeps(uint index) => (int)(Mix(Mix(index + _firstKey) ^ _secondKey) >> (32 - Bits)) >= _threshold;

    /// <summary>y[i] = keeps(first + i) ? x[i] / (1 - rate) : 0 for i in [0, count); y may be x.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Apply(float* x, float* y, int first, int count)
    {
        Vector128<uint> firstKey = Vector128.Create(_firstKey), secondKey = Vector128.Create(_secondKey);
        Vector128<int> threshold = Vector128.Create(_threshold);
        Vector128<float> kept = Vector128.Create(_kept);
        int i = 0;
        for (; i <= count - Vector128<uint>.Count; i += Vector128<uint>.Count)
        {
            Vector128<uint> index = Vector128<uint>.Indices + Vector128.Create((uint)(first + i));
            Vector128<int> drawn = (Mix(Mix(index + firstKey) ^ secondKey) >>> (32 - Bits)).AsInt32();
            Vector128<float> mask = Vector128.GreaterThanOrEqual(drawn, threshold).AsSingle();
            ((Vector128.Load(x + i) / kept) & mask).Store(y + i);
        }

        for (; i < count; i++)
            y[i] = Keeps((uint)(first + i)) ? x[i] / _kept : 0;
    }

    private static uint Mix(uint x)
    {
        x = (x ^ (x >> 16)) * 0x7FEB352D;
        x = (x ^ (x >> 15)) * 0x846CA68B;
        return x ^ (x >> 16);
    }

    private static Vector128<uint> Mix(Vector128<uint> x)
    {
        x = (x ^ (x >>> 16)) * Vector128.Create(0x7FEB352Du);
        x = (x ^ (x >>> 15)) * Vector128.Create(0x846CA68Bu);
        return x ^ (x >>> 16);
    }
}
