using System;

namespace Thomas.Kernels;

/// <summary>How matrix products cut their work so that the parts stay in the caches. It changes how fast they are, no bit of a result.</summary>
/// <param name="Rows">Rows of a block, about; at least 1.</param>
/// <param name="PanelBytes">Up to so many bytes of weights are read anew for every row of tiles; larger ones stay panel by panel in the first-level cache while
/// the rows pass.</param>
internal sealed record BlockSizes(int Rows, int PanelBytes)
{
    /// <summary>
    /// Terms of the sums that are added in one go, about. Not to be chosen: a residual joins after the first block, so it shows in the last bits. 256 to 1024
    /// are equally fast.
    /// </summary>
    public const int Depth = 512;

    /// <summary>Where the second-level cache is large or its size is not known.</summary>
    public static BlockSizes Default { get; } = new(56, 128 * 1024);

    /// <summary>
    /// A block of rows takes at most half of the second-level cache, weights that are read anew a quarter. Larger caches than
    /// that wants do not change the sizes: with 1 MiB, 28 to 168 rows are equally fast.
    /// </summary>
    /// <param name="secondLevelBytes">Size of the second-level cache of a processor; 0 if it is not known.</param>
    public static BlockSizes For(long secondLevelBytes)
    {
        if (secondLevelBytes <= 0) return Default;
        long rows = secondLevelBytes / (2 * sizeof(float) * Depth);
        return Default with { Rows = (int)Math.Clamp(rows, 14, Default.Rows), PanelBytes = (int)Math.Min(secondLevelBytes / 4, Default.PanelBytes) };
    }
}
