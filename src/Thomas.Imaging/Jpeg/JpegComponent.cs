namespace Thomas.Imaging.Jpeg;

/// <summary>One channel of a JPEG.</summary>
/// <param name="id">What scans call it.</param>
/// <param name="horizontal">Blocks of it beside each other in a unit of an interleaved scan.</param>
/// <param name="vertical">Blocks of it below each other.</param>
/// <param name="table">Number of its quantization table.</param>
internal sealed class JpegComponent(int id, int horizontal, int vertical, int table)
{
    public int Id { get; } = id;

    public int Horizontal { get; } = horizontal;

    public int Vertical { get; } = vertical;

    public int Table { get; } = table;

    /// <summary>Blocks that hold pixels.</summary>
    public int BlocksX { get; private set; }

    /// <inheritdoc cref="BlocksX"/>
    public int BlocksY { get; private set; }

    /// <summary>Blocks with those that fill up the last units.</summary>
    public int PaddedX { get; private set; }

    /// <inheritdoc cref="PaddedX"/>
    public int PaddedY { get; private set; }

    /// <summary>The quantization table as it was when the first scan of the component began; null before that.</summary>
    public ushort[]? Quantization { get; set; }

    public JpegHuffman? Dc { get; set; }

    public JpegHuffman? Ac { get; set; }

    /// <summary>The last value at the corner of a block, to which the next one is a difference.</summary>
    public int Prediction { get; set; }

    /// <summary>All blocks, where an image in several scans has to be held; else empty.</summary>
    public short[] Coefficients { get; set; } = [];

    /// <summary>Counts the blocks of an image.</summary>
    public void Measure(int width, int height, int mostHorizontal, int mostVertical)
    {
        int unitsX = DivideUp(width, 8 * mostHorizontal), unitsY = DivideUp(height, 8 * mostVertical);
        BlocksX = DivideUp(width * Horizontal, 8 * mostHorizontal);
        BlocksY = DivideUp(height * Vertical, 8 * mostVertical);
        (PaddedX, PaddedY) = (unitsX * Horizontal, unitsY * Vertical);
    }

    public static int DivideUp(int number, int by) => (number + by - 1) / by;
}
