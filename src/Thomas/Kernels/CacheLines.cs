using System.Runtime.CompilerServices;

namespace Thomas.Kernels;

/// <summary>
/// Brings memory into the cache in the order of its addresses. Kernels that go through several rows at a time, or through a row in steps of a pixel, get a
/// third of the bandwidth from memory that is far away: prefetchers follow long runs only. Reading one number of each line first costs little and is
/// followed by all of them.
/// </summary>
internal static unsafe class CacheLines
{
    /// <summary>Floats in a line; where lines are longer, some are read twice.</summary>
    private const int Line = 16;

    /// <summary>Floats that an operator touches from which on it is worth while; fewer are likely to be in a cache that the operator before left them in.</summary>
    private const long FarFloats = 2 * 1024 * 1024;

    /// <summary>Whether an operator's operands and result are so large together that they are likely to be far away.</summary>
    public static bool AreFar(long floats) => floats > FarFloats;

    /// <summary>Reads a number of every line. The result has no meaning; without it there would be nothing to read for.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    public static int Touch(float* first, nint count)
    {
        int* p = (int*)first;
        int bits = 0;
        nint i = 0;
        for (; i <= count - (4 * Line); i += 4 * Line)
            bits |= p[i] | p[i + Line] | p[i + (2 * Line)] | p[i + (3 * Line)];
        for (; i < count; i += Line)
            bits |= p[i];
        return bits;
    }
}
