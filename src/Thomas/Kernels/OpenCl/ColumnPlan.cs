using System;
using System.Numerics;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// How the rows of a matrix are cut for sums over them: a group is columns by lanes, the lanes share the rows of a chunk, and a column is 4 channels or 1. It
/// depends on sizes and limits alone, so that sums come out the same every time.
/// </summary>
internal sealed class ColumnPlan
{
    // So few rows a lane are read twice by one launch sooner than once by each of two.
    private const int MostRowsOfOne = 32;
    private const int GroupsPerUnit = 4;
    private const int LeastRows = 8;
    private const int MostRows = 1024;

    // One item's sums lose more digits than those of many that are joined pair by pair.
    private const int MostRowsOfSingle = 64;
    private const int MostChunksPerLane = 4;

    /// <param name="rows">Rows.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="limits">Limits of the device.</param>
    public ColumnPlan(int rows, int channels, OpenClLimits limits)
    {
        (Rows, Channels) = (rows, channels);
        Vector = limits.ColumnVector(channels);
        int columns = channels / Vector, most = Math.Min(limits.SumGroup, Power(columns));

        // 64 bytes of a row, so that there are more groups; 128 where there are chunks for that.
        int width = limits.IsFlat ? most : Math.Min(most, 16 / Vector), lanes = limits.IsFlat ? 1 : limits.SumGroup / width;
        if (rows <= MostRowsOfOne * (long)lanes)
        {
            Group = new WorkSize(width, Math.Min(lanes, Power(rows)));
            Chunks = 1;
            ChunkRows = rows;
        }
        else
        {
            width = limits.IsFlat ? most : Math.Min(most, 32 / Vector);
            lanes = limits.IsFlat ? 1 : limits.SumGroup / width;
            int blocks = Up(columns, width);
            int least = Up(rows, lanes > 1 ? lanes * MostRows : MostRowsOfSingle);
            int chunks = Math.Max(Math.Clamp(Up(GroupsPerUnit * limits.ComputeUnits, blocks), 1, Up(rows, lanes * LeastRows)), least);
            Group = new WorkSize(width, lanes);
            ChunkRows = Up(Up(rows, chunks), lanes) * lanes;
            Chunks = Up(rows, ChunkRows);
        }

        Columns = columns;
    }

    /// <summary>Rows of the matrix.</summary>
    public int Rows { get; }

    /// <summary>Channels of a row.</summary>
    public int Channels { get; }

    /// <summary>Channels of a column.</summary>
    public int Vector { get; }

    /// <summary>Columns.</summary>
    public int Columns { get; }

    /// <summary>Columns and lanes of a group.</summary>
    public WorkSize Group { get; }

    /// <summary>Chunks of rows.</summary>
    public int Chunks { get; }

    /// <summary>Rows of a chunk; the last may have fewer.</summary>
    public int ChunkRows { get; }

    /// <summary>Whether the chunks are so few that each group may join them for itself.</summary>
    public bool JoinsEverywhere => Chunks <= MostChunksPerLane * Group.Y;

    /// <summary>Work-items of a launch of one group for each chunk and block of columns.</summary>
    public WorkSize Items => new(Columns, Chunks * Group.Y);

    /// <summary>Work-items of a launch of one group for each block of columns.</summary>
    public WorkSize OneChunk => new(Columns, Group.Y);

    /// <summary>Bytes of a vector for each item of a group.</summary>
    public long VectorBytes => Group.Count * Vector * sizeof(float);

    /// <summary>The least power of 2 that is no less.</summary>
    internal static int Power(int value) => (int)Math.Min(1u << 30, BitOperations.RoundUpToPowerOf2((uint)value));

    /// <summary>The quotient, rounded up.</summary>
    internal static int Up(int value, int step) => (int)(((long)value + step - 1) / step);
}
