namespace Thomas.Kernels.Depthwise;

/// <summary>How many columns of a tile lie outside the input.</summary>
/// <param name="column">Input column of the tile's first column.</param>
/// <param name="overhang">The column after its last, less the input's columns.</param>
internal readonly struct Edges(int column, int overhang)
{
    /// <summary>Columns left of the input; negative if there are none.</summary>
    public readonly int Left = -column;

    /// <summary>Columns right of the input; negative if there are none.</summary>
    public readonly int Right = overhang;
}
