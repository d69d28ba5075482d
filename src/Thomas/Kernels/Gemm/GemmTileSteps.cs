namespace Thomas.Kernels.Gemm;

/// <summary>
/// Tiles of one shape that follow each other at equal steps, done in one call: below each other (A and C go on by the rows of a tile) or side by side
/// (B goes on by a panel, C by its columns). With small sums a call for each tile would cost more than its sums.
/// </summary>
internal struct GemmTileSteps
{
    /// <summary>Number of tiles, at least 1.</summary>
    public int Count;

    /// <summary>Floats of A from one tile to the next.</summary>
    public nint A;

    /// <summary>Floats of B, and of the bias where there is one, from one tile to the next.</summary>
    public nint B;

    /// <summary>Floats of C from one tile to the next.</summary>
    public nint C;

    /// <summary>Floats of the residual from one tile to the next.</summary>
    public nint Residual;
}
