using System;

using SkiaSharp;

namespace Thomas.Imaging;

/// <summary>Words for what is wrong with an image.</summary>
internal static class ImageFormat
{
    /// <summary>Why the decoder did not even open the file.</summary>
    public static string DescribeRefusal(ReadOnlySpan<byte> encoded, SKCodecResult result)
    {
        if (FileKind.DescribeNotAnImage(encoded) is string other)
        {
            return other;
        }

        return result switch
        {
            SKCodecResult.Unimplemented => "The image is not a JPEG, PNG, WebP, GIF or BMP, or uses an unsupported feature of its format.",
            _ when FileKind.Recognize(encoded) is null =>
                $"This is not a known image format (it begins with {Convert.ToHexString(encoded[..Math.Min(encoded.Length, 8)])}); give a JPEG, "
                + $"PNG, WebP, GIF or BMP file.",
            _ => $"The image's header cannot be read: {DescribeFailure(result)}",
        };
    }

    /// <summary>Why the decoder in managed code does not even open the file.</summary>
    public static string DescribeRefusal(ReadOnlySpan<byte> encoded)
    {
        if (FileKind.DescribeNotAnImage(encoded) is string other) return other;
        if (encoded.StartsWith("RIFF"u8) && encoded.Length >= 12 && encoded[8..].StartsWith("WEBP"u8))
        {
            return $"This is a WebP image, which cannot be read here ({ImageDecoders.SkiaProblem ?? "it needs SkiaSharp"}); convert it to JPEG or PNG.";
        }

        return $"This is not a known image format (it begins with {Convert.ToHexString(encoded[..Math.Min(encoded.Length, 8)])}); give a JPEG, PNG, GIF, "
            + $"BMP or TIFF file.";
    }

    /// <summary>The data ends too early.</summary>
    public static ImageFormatException CutOff() => new(DescribeFailure(SKCodecResult.IncompleteInput));

    /// <summary>The data is damaged.</summary>
    public static ImageFormatException Damaged() => new(DescribeFailure(SKCodecResult.ErrorInInput));

    /// <summary>Why the pixels could not be decoded.</summary>
    public static string DescribeFailure(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "The image is cut off: its data ends too early.",
        SKCodecResult.ErrorInInput => "The image's data is damaged.",
        SKCodecResult.InvalidInput => "The image's data is not valid.",
        SKCodecResult.InvalidConversion => "The image's pixel format cannot be converted to RGB.",
        SKCodecResult.Unimplemented => "The image uses an unsupported feature of its format.",
        _ => $"The decoder reports {result}.",
    };
}
