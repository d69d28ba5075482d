using System;
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

    /// <summary>Floats to touch at a time: enough for long runs, and they are still in the second-level cache when they are used.</summary>
    private const long BlockFloats = 32 * 1024;

    /// <summary>How many items of a kernel to touch the memory of at a time; 0 if all of it is likely to be near.</summary>
    /// <param name="floats">Floats that all items read and write.</param>
    /// <param name="items">Items.</param>
    /// <param name="nearFloats">With how many floats they are likely to be in a cache, where the operators before left them.</param>
    public static int BlockItems(long floats, int items, long nearFloats) =>
        floats <= nearFloats ? 0 : (int)Math.Clamp(BlockFloats * items / floats, 1, items);

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
