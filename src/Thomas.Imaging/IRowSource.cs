namespace Thomas.Imaging;

/// <summary>The pixels of an opened image, row by row, so that a large one can be reduced while it is read.</summary>
internal interface IRowSource
{
    /// <summary>Stored width.</summary>
    int Width { get; }

    /// <summary>Stored height.</summary>
    int Height { get; }

    /// <summary>Whether pixels may come in another order than row by row, from the first to the last.</summary>
    bool AnyOrder { get; }

    /// <summary>Bytes that reading holds beside the sink's.</summary>
    long Cost { get; }

    /// <summary>Passes all pixels on.</summary>
    /// <exception cref="ImageFormatException">The file is cut off or damaged.</exception>
    void Read(PixelSink sink);
}
