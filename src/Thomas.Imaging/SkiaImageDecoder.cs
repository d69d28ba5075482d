using System;
using System.Buffers;
using System.Runtime.InteropServices;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>
/// Decodes JPEG, PNG, WebP, GIF and BMP with SkiaSharp, and TIFF. Every image comes out upright (EXIF orientation applied), RGB, 8 bits a channel: gray,
/// palette, 16-bit and CMYK images are converted, transparent parts are laid over white (or what <see cref="WithBackground"/> says), animations give their
/// first frame, TIFF files their first page. Color values are taken as they are stored: embedded color profiles are ignored, as in Pillow, TensorFlow and
/// PyTorch, whose models expect it so.
/// </summary>
/// <remarks>
/// <para>
/// Safe for several threads at once. All decodes of a process share <see cref="DefaultMemory"/>, or those of this decoder the memory that it was given: each
/// waits until what it will hold is free. A JPEG is reduced by its own means, rows of a PNG, BMP or TIFF above 4 mebipixels are averaged as they are read, so
/// none is ever held in full where a reduced image will do. Formats that can only be decoded whole (GIF, lossless WebP, progressive JPEG) are estimated
/// before, and wait until nothing else is decoded if they need more than is shared; above four times as much, or above the memory that was given, they are
/// refused.
/// </para>
/// </remarks>
public sealed class SkiaImageDecoder : IImageDecoder
{
    /// <summary>Largest number of pixels that an image may claim unless told otherwise: 256 mebipixels.</summary>
    public const long DefaultMaximumPixels = 256L << 20;

    /// <summary>Bytes that decodes share unless told otherwise: 64 MiB.</summary>
    public const long DefaultMemory = 64L << 20;

    // From here on rows are converted as they are decoded, 3 bytes a pixel instead of 7.
    private const int RowwisePixels = 1 << 20;
    private const int StripBytes = 1 << 18;

    private readonly DecodeBounds _bounds;
    private readonly RgbColor _background = RgbColor.White;

    /// <summary>Creates a decoder.</summary>
    /// <param name="maximumPixels">Images whose header claims more pixels than this are refused.</param>
    /// <param name="memory">Bytes that the decodes of this decoder may hold together; 0 lets it share <see cref="DefaultMemory"/> with all others of the
    /// process.</param>
    public SkiaImageDecoder(long maximumPixels = DefaultMaximumPixels, long memory = 0) => _bounds = new DecodeBounds(maximumPixels, memory);

    /// <summary>A decoder that shares the memory of another one and lays transparent parts over another color.</summary>
    private SkiaImageDecoder(SkiaImageDecoder other, RgbColor background)
    {
        (_bounds, _background) = (other._bounds, background);
        if (background != RgbColor.White) Identity += $" on {background}";
    }

    /// <inheritdoc/>
    public string Identity { get; } = $"skia-{SkiaSharpVersion.Native} rows";

    /// <inheritdoc/>
    public IImageDecoder WithBackground(RgbColor background) => background == _background ? this : new SkiaImageDecoder(this, background);

    /// <inheritdoc/>
    public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumShortSide);
        if (encoded.IsEmpty)
        {
            throw new ImageFormatException("The image is empty (0 bytes).");
        }

        if (TiffTags.Recognizes(encoded.Span)) return DecodeTiff(encoded, minimumShortSide);
        using MemoryHandle pin = encoded.Pin();
        using SKData data = CreateData(pin, encoded.Length);
        using SKCodec codec = SKCodec.Create(new SKMemoryStream(data), out SKCodecResult opened)
            ?? throw new ImageFormatException(ImageFormat.DescribeRefusal(encoded.Span, opened));
        if (codec.EncodedFormat == SKEncodedImageFormat.Wbmp)
        {
            // Two zero bytes are enough for this format, so nearly any file of numbers passes for it.
            throw new ImageFormatException(ImageFormat.DescribeRefusal(encoded.Span, SKCodecResult.Unimplemented));
        }

        _bounds.CheckSize(codec.Info.Width, codec.Info.Height, encoded.Length);
        SKEncodedOrigin origin = ExifOrientation.Read(codec, encoded.Span);
        _bounds.CollectGarbage(encoded.Length);
        return codec.EncodedFormat == SKEncodedImageFormat.Png && (long)codec.Info.Width * codec.Info.Height > DecodeBounds.LargePixels
            ? _bounds.Decode(PngRows.Open(encoded), minimumShortSide, origin, _background)
            : DecodeBySkia(codec, encoded.Span, minimumShortSide, origin);
    }

    private RgbImage DecodeTiff(ReadOnlyMemory<byte> encoded, int minimumShortSide)
    {
        TiffRows rows = TiffRows.Open(encoded);
        _bounds.CheckSize(rows.Width, rows.Height, encoded.Length);
        _bounds.CollectGarbage(encoded.Length);
        return _bounds.Decode(rows, minimumShortSide, rows.Origin, _background);
    }

    private RgbImage DecodeBySkia(SKCodec codec, ReadOnlySpan<byte> encoded, int minimumShortSide, SKEncodedOrigin origin)
    {
        SKImageInfo info = ChooseSize(codec, minimumShortSide);
        int factor = DecodeBounds.ReductionFactor(info.Width, info.Height, minimumShortSide);
        bool byRows = (long)info.Width * info.Height > RowwisePixels && codec.EncodedFormat is SKEncodedImageFormat.Jpeg or SKEncodedImageFormat.Bmp
            && codec.StartScanlineDecode(info, new SKCodecOptions(SKZeroInitialized.No)) == SKCodecResult.Success;
        int rows = byRows ? Math.Clamp(StripBytes / info.RowBytes, 1, info.Height) : info.Height;
        long cost = DecodeCost.OfDecoder(codec, encoded) + ((long)rows * info.RowBytes) + DecodeBounds.SinkCost(info.Width, info.Height, factor, false);
        using DecodeBudget.Share share = _bounds.Reserve(codec.Info.Width, codec.Info.Height, cost);
        PixelSink sink = DecodeBounds.CreateSink(info.Width, info.Height, factor, origin, false, _background);
        DecodeRows(codec, info, byRows ? rows : 0, sink);
        return sink.Finish();
    }

    private static unsafe SKData CreateData(MemoryHandle pin, int length) => SKData.Create((nint)pin.Pointer, length);

    private static SKImageInfo ChooseSize(SKCodec codec, int minimumShortSide)
    {
        // No color space is asked for, so Skia converts nothing between color spaces.
        SKImageInfo full = new(codec.Info.Width, codec.Info.Height, SKColorType.Rgba8888, SKAlphaType.Unpremul, null);
        if (minimumShortSide == 0)
        {
            return full;
        }

        for (int divisor = 8; divisor > 1; divisor /= 2)
        {
            SKSizeI scaled = codec.GetScaledDimensions(1f / divisor);
            if (Math.Min(scaled.Width, scaled.Height) >= minimumShortSide)
            {
                return full.WithSize(scaled.Width, scaled.Height);
            }
        }

        return full;
    }

    // Passes all pixels on, so many rows at a time; 0 means all at once, which every format can do.
    private static unsafe void DecodeRows(SKCodec codec, SKImageInfo info, int rowsAtOnce, PixelSink sink)
    {
        bool byRows = rowsAtOnce > 0;
        rowsAtOnce = byRows ? rowsAtOnce : info.Height;
        uint* pixels = (uint*)NativeMemory.Alloc((nuint)info.Width * (nuint)rowsAtOnce, sizeof(uint));
        try
        {
            for (int done = 0; done < info.Height; done += rowsAtOnce)
            {
                int rows = Math.Min(rowsAtOnce, info.Height - done);
                SKCodecResult result = !byRows ? codec.GetPixels(info, (nint)pixels, info.RowBytes, new SKCodecOptions(SKZeroInitialized.No))
                    : codec.GetScanlines((nint)pixels, rows, info.RowBytes) == rows ? SKCodecResult.Success : SKCodecResult.IncompleteInput;
                if (result != SKCodecResult.Success)
                {
                    throw new ImageFormatException(ImageFormat.DescribeFailure(result));
                }

                // A BMP usually begins with its last row; of the rows that were asked for the topmost still comes first.
                bool bottomUp = byRows && codec.ScanlineOrder == SKCodecScanlineOrder.BottomUp;
                for (int i = 0; i < rows; i++)
                {
                    int row = bottomUp ? rows - 1 - i : i;
                    sink.Add(bottomUp ? info.Height - 1 - done - i : done + i, 0, 1, new ReadOnlySpan<uint>(pixels + ((nint)row * info.Width), info.Width));
                }
            }
        }
        finally
        {
            NativeMemory.Free(pixels);
        }
    }
}
