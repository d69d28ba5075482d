using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Thomas.Kernels.Depthwise;

/// <summary>What is fetched into the second-level cache while other rows are computed, in the order of its addresses.</summary>
internal unsafe struct DepthwiseAhead
{
    /// <summary>Whether <see cref="Fetch"/> does anything: Arm's prefetch instructions cannot be reached from C#.</summary>
    public static bool IsSupported => Sse.IsSupported;

    /// <summary>The input that comes next.</summary>
    public float* X;

    /// <summary>The output that comes next: a write that waits for its line holds up those behind it.</summary>
    public float* Y;

    /// <summary>Fetches what a vector lies in, without waiting for it, and moves on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(ref float* ahead, nint length)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch1(ahead);
        ahead += length;
    }

    /// <summary>The same for four vectors in a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void FetchFour(ref float* ahead, nint length)
    {
        if (!Sse.IsSupported) return;
        Sse.Prefetch1(ahead);
        Sse.Prefetch1(ahead + length);
        Sse.Prefetch1(ahead + (2 * length));
        Sse.Prefetch1(ahead + (3 * length));
        ahead += 4 * length;
    }
}
