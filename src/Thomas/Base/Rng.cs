using System;
using System.Numerics;

namespace Thomas;

/// <summary>
/// Seeded random numbers whose sequence is a contract: the same seed gives the same numbers in every version of Thomas and on every machine
/// (<see cref="Normal()"/> also depends on the platform's logarithm and cosine).
/// </summary>
/// <remarks>
/// xoshiro256** 1.0 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2018), its 256-bit state filled with four outputs of
/// SplitMix64 started at the seed. Not for cryptography. Not safe for several threads: give each its own <see cref="Fork"/>.
/// </remarks>
internal sealed class Rng
{
    private ulong _seed;
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Creates a generator.</summary>
    /// <param name="seed">Any value, zero included.</param>
    public Rng(ulong seed) => Reseed(seed);

    private Rng(RngState state)
    {
        _seed = state.Seed;
        (_s0, _s1, _s2, _s3) = (state.S0, state.S1, state.S2, state.S3);
    }

    /// <summary>Where the sequence stands, to be stored in a checkpoint.</summary>
    public RngState State => new(_seed, _s0, _s1, _s2, _s3);

    /// <summary>Goes on from a stored state.</summary>
    /// <param name="state">What <see cref="State"/> returned.</param>
    /// <returns>A generator that gives the numbers which the stored one would have given next.</returns>
    /// <exception cref="ArgumentException">The four words of the state are all zero, which no generator reaches.</exception>
    public static Rng FromState(RngState state)
    {
        if ((state.S0 | state.S1 | state.S2 | state.S3) == 0)
        {
            throw new ArgumentException("The state of a random generator cannot be all zero.", nameof(state));
        }

        return new Rng(state);
    }

    /// <summary>An independent generator for a part of the work: a class, an image, a view, a thread.</summary>
    /// <param name="stream">Number of the part.</param>
    /// <returns>A generator that depends only on this one's seed and on <paramref name="stream"/>, not on how many numbers were drawn.</returns>
    public Rng Fork(ulong stream) => new(SeedOfFork(stream));

    /// <summary>Makes another generator what <see cref="Fork"/> would return, without a new object.</summary>
    internal void ForkInto(ulong stream, Rng fork) => fork.Reseed(SeedOfFork(stream));

    private ulong SeedOfFork(ulong stream)
    {
        // Two rounds keep fork(a).fork(b) and fork(b).fork(a) apart.
        ulong counter = _seed;
        ulong mixed = SplitMix64(ref counter) ^ stream;
        return SplitMix64(ref mixed);
    }

    private void Reseed(ulong seed)
    {
        _seed = seed;
        ulong counter = seed;
        _s0 = SplitMix64(ref counter);
        _s1 = SplitMix64(ref counter);
        _s2 = SplitMix64(ref counter);
        _s3 = SplitMix64(ref counter);
    }

    /// <summary>64 random bits.</summary>
    /// <returns>Any value of the type, each equally likely.</returns>
    public ulong NextUInt64()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong shifted = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= shifted;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    /// <summary>An integer in [0, <paramref name="bound"/>), without bias (Lemire's multiply-and-reject, 2019).</summary>
    /// <param name="bound">One more than the largest value; at least 1.</param>
    /// <returns>The integer.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="bound"/> is below 1.</exception>
    public int Next(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        ulong high = Math.BigMul(NextUInt64(), (ulong)bound, out ulong low);
        if (low < (ulong)bound)
        {
            ulong threshold = (0UL - (ulong)bound) % (ulong)bound;
            while (low < threshold)
            {
                high = Math.BigMul(NextUInt64(), (ulong)bound, out low);
            }
        }

        return (int)high;
    }

    /// <summary>A number in [0, 1) on a grid of 2^-24: every value is a float exactly.</summary>
    /// <returns>The number.</returns>
    public float Uniform() => (NextUInt64() >> 40) * (1.0f / (1 << 24));

    /// <summary>A number in [<paramref name="minimum"/>, <paramref name="maximum"/>]; the upper end is reached only by rounding.</summary>
    /// <param name="minimum">Lower end.</param>
    /// <param name="maximum">Upper end.</param>
    /// <returns>The number.</returns>
    public float Uniform(float minimum, float maximum) => minimum + ((maximum - minimum) * Uniform());

    /// <summary>A number from the standard normal distribution, by the cosine branch of the Box-Muller transform in double precision.</summary>
    /// <returns>The number. Each call draws twice.</returns>
    public float Normal()
    {
        double radius = ((NextUInt64() >> 11) + 1) * (1.0 / (1L << 53));
        double angle = (NextUInt64() >> 11) * (1.0 / (1L << 53));
        return (float)(Math.Sqrt(-2.0 * Math.Log(radius)) * Math.Cos(2.0 * Math.PI * angle));
    }

    /// <summary>A number from the normal distribution.</summary>
    /// <param name="mean">Its mean.</param>
    /// <param name="standardDeviation">Its standard deviation.</param>
    /// <returns>The number.</returns>
    public float Normal(float mean, float standardDeviation) => mean + (standardDeviation * Normal());

    /// <summary>Puts the items in random order, every order equally likely (Fisher-Yates, from the last item down).</summary>
    /// <typeparam name="T">Type of the items.</typeparam>
    /// <param name="items">The items.</param>
    public void Shuffle<T>(Span<T> items)
    {
        for (int last = items.Length - 1; last > 0; last--)
        {
            int other = Next(last + 1);
            (items[last], items[other]) = (items[other], items[last]);
        }
    }

    private static ulong SplitMix64(ref ulong counter)
    {
        ulong z = counter += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>Stored position of an <see cref="Rng"/>.</summary>
/// <param name="Seed">Seed from which <see cref="Rng.Fork"/> derives streams.</param>
/// <param name="S0">First word of the xoshiro256** state.</param>
/// <param name="S1">Second word.</param>
/// <param name="S2">Third word.</param>
/// <param name="S3">Fourth word.</param>
internal readonly record struct RngState(ulong Seed, ulong S0, ulong S1, ulong S2, ulong S3);
