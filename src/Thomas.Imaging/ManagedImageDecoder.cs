using System;
using SkiaSharp;
using Thomas.Data;
using Thomas.Imaging.Jpeg;

namespace Thomas.Imaging;

/// <summary>
/// Decodes JPEG, PNG, GIF, BMP and TIFF without native code, for systems that SkiaSharp has no library for and programs that cannot load one. WebP is refused.
/// What comes out is what <see cref="SkiaImageDecoder"/> gives: the same pixels, but of JPEG images that are reduced while they are decoded, which differ a
/// little. Files that are damaged in the midst of their pixels are refused more often.
/// </summary>
/// <remarks>
/// Safe for several threads at once. Memory is shared and bounded as there. Every format is read row by row, so that a large image is never held in full where
/// a reduced one will do; only a JPEG in several scans (a progressive one) is held as coefficients until the last of them is read.
/// </remarks>
public sealed class ManagedImageDecoder : IImageDecoder
{
    private readonly DecodeBounds _bounds;
    private readonly RgbColor _background = RgbColor.White;

    /// <summary>Creates a decoder.</summary>
    /// <param name="maximumPixels">Images whose header claims more pixels than this are refused.</param>
    /// <param name="memory">Bytes that the decodes of this decoder may hold together; 0 lets it share <see cref="SkiaImageDecoder.DefaultMemory"/> with all
    /// others of the process.</param>
    public ManagedImageDecoder(long maximumPixels = SkiaImageDecoder.DefaultMaximumPixels, long memory = 0) =>
        _bounds = new DecodeBounds(maximumPixels, memory);

    private ManagedImageDecoder(ManagedImageDecoder other, RgbColor background)
    {
        (_bounds, _background) = (other._bounds, background);
        if (background != RgbColor.White) Identity += $" on {background}";
    }

    /// <inheritdoc/>
    public string Identity { get; } = "thomas-1 rows";

    /// <inheritdoc/>
    public IImageDecoder WithBackground(RgbColor background) => background == _background ? this : new ManagedImageDecoder(this, background);

    /// <inheritdoc/>
    public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumShortSide);
        if (encoded.IsEmpty) throw new ImageFormatException("The image is empty (0 bytes).");
        ReadOnlySpan<byte> bytes = encoded.Span;
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF])) return DecodeJpeg(encoded, minimumShortSide);
        if (PngRows.Recognizes(bytes)) return Decode(PngRows.Open(encoded), encoded, minimumShortSide, ExifOrientation.FromPng(bytes));
        if (TiffTags.Recognizes(bytes))
        {
            TiffRows rows = TiffRows.Open(encoded);
            return Decode(rows, encoded, minimumShortSide, rows.Origin);
        }

        if (GifRows.Recognizes(bytes)) return Decode(GifRows.Open(encoded), encoded, minimumShortSide, SKEncodedOrigin.TopLeft);
        if (BmpRows.Recognizes(bytes)) return Decode(BmpRows.Open(encoded), encoded, minimumShortSide, SKEncodedOrigin.TopLeft);
        throw new ImageFormatException(ImageFormat.DescribeRefusal(bytes));
    }

    private RgbImage DecodeJpeg(ReadOnlyMemory<byte> encoded, int minimumShortSide)
    {
        JpegFile file = new(encoded);
        _bounds.CheckSize(file.Width, file.Height, encoded.Length);
        _bounds.CollectGarbage(encoded.Length);
        JpegRows rows = JpegRows.Open(file, minimumShortSide);
        return _bounds.Decode(rows, minimumShortSide, file.Origin, _background);
    }

    private RgbImage Decode(IRowSource rows, ReadOnlyMemory<byte> encoded, int minimumShortSide, SKEncodedOrigin origin)
    {
        _bounds.CheckSize(rows.Width, rows.Height, encoded.Length);
        _bounds.CollectGarbage(encoded.Length);
        return _bounds.Decode(rows, minimumShortSide, origin, _background);
    }
}
