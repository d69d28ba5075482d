using System;
using System.Buffers;
using System.Runtime.InteropServices;
using System.Threading;

using SkiaSharp;

using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>
/// Decodes JPEG, PNG, WebP, GIF and BMP with SkiaSharp. Every picture comes out upright (EXIF orientation applied), RGB, 8 bits a channel: gray, palette, 16-bit and
/// CMYK pictures are converted, transparent parts are laid over white, animations give their first frame. Color values are taken as they are stored: embedded color
/// profiles are ignored, as in Pillow, TensorFlow and PyTorch, whose models expect it so.
/// </summary>
/// <remarks>
/// Safe for several threads at once. A decode holds 7 bytes for each pixel; pictures that are still above 16 megapixels after reduction are decoded one at a time,
/// so that many threads do not multiply the largest one.
/// </remarks>
public sealed class SkiaImageDecoder : IImageDecoder
{
    /// <summary>Largest number of pixels that a picture may claim unless told otherwise: 256 mebipixels.</summary>
    public const long DefaultMaximumPixels = 256L << 20;

    private const int LargePixels = 16 << 20;

    // A header may claim 4 mebipixels without further ado. Above that the file must have a byte for every 10,000 pixels: deflate cannot reach more than 8,300 (1-bit PNG),
    // and photographs stay below 100.
    private const int AlwaysPlausiblePixels = 4 << 20;
    private const int PixelsPerByte = 10_000;

    private readonly long _maximumPixels;
    private readonly Lock _largePicture = new();

    /// <summary>Creates a decoder.</summary>
    /// <param name="maximumPixels">Pictures whose header claims more pixels than this are refused.</param>
    public SkiaImageDecoder(long maximumPixels = DefaultMaximumPixels)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumPixels, 1);
        _maximumPixels = maximumPixels;
    }

    /// <inheritdoc/>
    public string Identity { get; } = $"skia-{SkiaSharpVersion.Native}";

    /// <inheritdoc/>
    public RgbImage Decode(ReadOnlyMemory<byte> encoded, int minimumShortSide = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(minimumShortSide);
        if (encoded.IsEmpty)
        {
            throw new ImageFormatException("The picture is empty (0 bytes).");
        }

        using MemoryHandle pin = encoded.Pin();
        using SKData data = CreateData(pin, encoded.Length);
        using SKCodec codec = SKCodec.Create(new SKMemoryStream(data), out SKCodecResult opened)
            ?? throw new ImageFormatException(PictureFormat.DescribeRefusal(encoded.Span, opened));
        CheckSize(codec.Info, encoded.Length);
        SKImageInfo info = ChooseSize(codec, minimumShortSide);
        SKEncodedOrigin origin = ExifOrientation.Read(codec, encoded.Span);
        if ((long)info.Width * info.Height <= LargePixels)
        {
            return DecodePixels(codec, info, origin);
        }

        lock (_largePicture)
        {
            return DecodePixels(codec, info, origin);
        }
    }

    private static unsafe SKData CreateData(MemoryHandle pin, int length) => SKData.Create((nint)pin.Pointer, length);

    private void CheckSize(SKImageInfo info, int encodedBytes)
    {
        long pixels = (long)info.Width * info.Height;
        if (info.Width < 1 || info.Height < 1)
        {
            throw new ImageFormatException($"The header claims {info.Width}x{info.Height} pixels.");
        }

        if (pixels > _maximumPixels || pixels > Array.MaxLength / 4)
        {
            throw new ImageFormatException($"The header claims {info.Width}x{info.Height} pixels; at most {_maximumPixels} pixels are decoded.");
        }

        if (pixels > AlwaysPlausiblePixels && pixels / PixelsPerByte > encodedBytes)
        {
            throw new ImageFormatException($"The header claims {info.Width}x{info.Height} pixels, which {encodedBytes} bytes cannot hold.");
        }
    }

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

    private static unsafe RgbImage DecodePixels(SKCodec codec, SKImageInfo info, SKEncodedOrigin origin)
    {
        byte* pixels = (byte*)NativeMemory.Alloc((nuint)info.Width * (nuint)info.Height, 4);
        try
        {
            SKCodecResult result = codec.GetPixels(info, (nint)pixels, info.RowBytes, new SKCodecOptions(SKZeroInitialized.No));
            if (result != SKCodecResult.Success)
            {
                throw new ImageFormatException(PictureFormat.DescribeFailure(result));
            }

            return Upright.ToRgb(new ReadOnlySpan<uint>(pixels, info.Width * info.Height), info.Width, info.Height, origin);
        }
        finally
        {
            NativeMemory.Free(pixels);
        }
    }
}
