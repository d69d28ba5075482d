namespace Thomas.Kernels.OpenCl;

/// <summary>What kernels are chosen by: the limits of a device and what is fast on it.</summary>
/// <param name="LocalBytes">Local memory of a work-group.</param>
/// <param name="WorkGroup">Most work-items of a group.</param>
/// <param name="ComputeUnits">Groups that run at the same time, about.</param>
/// <param name="Family">Which matrix kernels suit it.</param>
/// <param name="VectorWidth">Floats of a vector register; 1 where items are what is vectorized.</param>
internal sealed record OpenClLimits(long LocalBytes, int WorkGroup, int ComputeUnits, TileFamily Family, int VectorWidth = 1)
{
    /// <summary>The block of work-items that is best for its vendor's devices; null for the usual one.</summary>
    public ItemBlock? Block { get; init; }

    /// <summary>The tile in local memory that is best for its vendor's devices; null for what estimates choose.</summary>
    public ProductTile? Tile { get; init; }

    /// <summary>Whether bias, residual and activation are launches of their own instead of the end of a product.</summary>
    public bool IsSeparate { get; init; }

    /// <summary>Whether groups lie along one axis where their shape is a matter of choice.</summary>
    public bool IsFlat { get; init; }

    /// <summary>Whether products whose result is stored as 16-bit floats add up some terms in 16 bits, where there is no tile in local memory.</summary>
    public bool HasHalfSums { get; init; }

    /// <summary>Where convolutions are computed by Winograd's algorithm.</summary>
    public WinogradUse Winograd { get; init; } = WinogradUse.Never;

    /// <summary>Bytes that its transforms may take at a time.</summary>
    public long WinogradBytes { get; init; }

    /// <summary>Neighbors that are read and written at once, at most; the macro <c>WIDE</c> of the sources.</summary>
    public int Vector { get; init; } = 4;

    /// <summary>Channels that an item takes of rows of so many: 4 where that divides them, on CPUs as many as a register holds.</summary>
    public int ColumnVector(int channels)
    {
        int vector = Family == TileFamily.Items && Vector > 1 ? System.Math.Max(Vector, VectorWidth) : Vector;
        while (vector > Vector && channels % vector != 0) vector /= 2;
        return channels % vector == 0 ? vector : 1;
    }

    /// <summary>Items of a group for loops without local memory.</summary>
    public int LoopGroup => System.Math.Min(WorkGroup, 64);

    /// <summary>
    /// Items of a group that adds up in local memory: a power of 2. CPUs run the items of a group one after the other and have no use for several.
    /// </summary>
    public int SumGroup =>
        Family == TileFamily.Items ? 1 : WorkGroup >= 256 && LocalBytes >= 16 << 10 ? 256 : WorkGroup >= 128 ? 128 : WorkGroup >= 64 ? 64 : 1;
}

/// <summary>The families of matrix kernels.</summary>
internal enum TileFamily
{
    /// <summary>A tile of a group in registers, operands read from global memory through its caches: phones.</summary>
    Registers,

    /// <summary>A tile of a group in local memory: desktop GPUs.</summary>
    Local,

    /// <summary>No tile of a group: each work-item computes a block of its own with wide vectors. CPUs, some Mali.</summary>
    Items,
}
