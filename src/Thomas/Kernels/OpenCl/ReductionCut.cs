using System;
using System.Numerics;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// How work-items share a reduction of [outer, reduced, inner] to [outer, chunks, inner]: the arguments <c>CUT_ARGS</c> of a kernel. Sizes count vectors of
/// <see cref="Pack"/> numbers. It follows from the shape and the device's limits alone, so sums have the same order every time.
/// </summary>
/// <param name="Columns">outer * inner: reductions that know nothing of each other.</param>
/// <param name="Inner">Columns whose elements are neighbors.</param>
/// <param name="Reduced">Elements of a column.</param>
/// <param name="Chunk">Elements of a column that one group takes.</param>
/// <param name="Chunks">Chunks of a column. If there are several, a second launch joins their results, <see cref="OfChunks"/>.</param>
/// <param name="Width">Columns of a group; a power of 2.</param>
/// <param name="Height">Work-items that share a column; a power of 2.</param>
/// <param name="Pack">Numbers in a vector: 4, or 1 where rows are no multiples of 4.</param>
/// <param name="IsJoined">Whether the numbers of a vector are elements of one column, to be joined in the end.</param>
internal readonly record struct ReductionCut(
    int Columns, int Inner, int Reduced, int Chunk, int Chunks, int Width, int Height, int Pack, bool IsJoined)
{
    private const int Vector = 4;

    // Vectors that a work-item should have before a column is cut into chunks, and those it may have at most.
    private const int FewVectors = 8;
    private const int ManyVectors = 512;

    // Groups of a compute unit that hide the latency of memory.
    private const int GroupsOfUnit = 8;

    // Below so many vectors latency counts: more work-items share a column.
    private const int SmallReduction = 1 << 18;

    /// <summary>Work-items of all groups.</summary>
    public WorkSize Items => new(checked((Columns + Width - 1) / Width * Chunks * Width * Height));

    /// <summary>Work-items of a group.</summary>
    public WorkSize Group => new(Width * Height);

    /// <summary>Bytes of the results of all chunks.</summary>
    public long ResultBytes => (long)Columns * Chunks * (IsJoined ? 1 : Pack) * sizeof(float);

    /// <summary>A float4 for each work-item of a group.</summary>
    public LaunchArgument Local => LaunchArgument.Local(Width * Height * Vector * sizeof(float));

    /// <summary>Numbers for <c>CUT_ARGS</c>.</summary>
    public LaunchArgument[] Arguments => [Columns, Inner, Reduced, Chunk, Chunks, Width, Height, Pack];

    /// <summary>Cuts a reduction.</summary>
    /// <param name="outer">Axes before the reduced ones.</param>
    /// <param name="reduced">The reduced axes.</param>
    /// <param name="inner">Axes after them.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <param name="joins">Whether the kernel can join the numbers of a vector, which serves long rows.</param>
    public static ReductionCut Of(int outer, int reduced, int inner, OpenClLimits limits, bool joins = false) =>
        Of(outer, reduced, inner, limits, joins, isWhole: false);

    /// <summary>The same in one chunk.</summary>
    public static ReductionCut Whole(int outer, int reduced, int inner, OpenClLimits limits, bool joins = false) =>
        Of(outer, reduced, inner, limits, joins, isWhole: true);

    /// <summary>The reduction of the chunks' results, in one chunk.</summary>
    public ReductionCut OfChunks(OpenClLimits limits) =>
        IsJoined ? Whole(Columns, Chunks, 1, limits, joins: true) : Whole(Columns / Inner, Chunks, Inner * Pack, limits, joins: true);

    private static ReductionCut Of(int outer, int reduced, int inner, OpenClLimits limits, bool joins, bool isWhole)
    {
        bool hasVectors = limits.Vector == Vector, isJoined = hasVectors && joins && inner == 1 && reduced % Vector == 0;
        int pack = isJoined || (hasVectors && inner % Vector == 0) ? Vector : 1;
        if (isJoined) reduced /= Vector;
        else inner /= pack;
        int columns = outer * inner, group = limits.SumGroup;
        bool isSmall = (long)columns * reduced < SmallReduction;

        // Neighboring columns are read together; of one column, neighboring elements.
        int least = inner == 1 ? 1 : Math.Min(isSmall ? 8 : 32, Math.Min(group, UpToPower(columns)));
        int height = Math.Min(group / least, UpToPower(isSmall ? reduced : (reduced + 3) / 4));
        int width = Math.Min(group / height, UpToPower(columns)), blocks = (columns + width - 1) / width;
        int chunks = isWhole || reduced <= 2 * FewVectors * height
            ? 1
            : Math.Clamp(limits.ComputeUnits * GroupsOfUnit / blocks, 1, reduced / (FewVectors * height));
        if (!isWhole) chunks = Math.Max(chunks, reduced / (ManyVectors * height));
        int chunk = (reduced + chunks - 1) / chunks;
        if (chunks > 1) chunk = (chunk + height - 1) / height * height;
        return new ReductionCut(columns, inner, reduced, chunk, (reduced + chunk - 1) / chunk, width, height, pack, isJoined);
    }

    private static int UpToPower(int value) => (int)BitOperations.RoundUpToPowerOf2((uint)value);
}
