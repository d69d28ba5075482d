namespace Thomas.Kernels.Simd;

/// <summary>
/// When a result is written past the caches. An ordinary store first reads the line that it is going to overwrite; results that are larger than the caches, and
/// so gone from them before anyone reads them, are written 1.4 to 1.6 times as fast without (Zen 4, 16 to 64 MiB, November 2026). Results that overwrite an
/// operand are in the caches already.
/// </summary>
internal static unsafe class StreamingStores
{
    /// <summary>Results from this size on leave the caches before they are read again: half of a large third-level cache, far more than a phone has.</summary>
    private const long LeastBytes = 16 << 20;

    /// <summary>Whether to write y past the caches.</summary>
    /// <param name="x">The operand that is read alongside.</param>
    /// <param name="y">First element of the rows.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="columns">Columns that are written.</param>
    /// <param name="bytes">Bytes of the whole result.</param>
    public static bool Pay(float* x, float* y, nint stride, int columns, long bytes) =>
        bytes >= LeastBytes && x != y && ((nuint)y | (nuint)(stride * sizeof(float)) | (nuint)(columns * sizeof(float))) % 64 == 0;
}
