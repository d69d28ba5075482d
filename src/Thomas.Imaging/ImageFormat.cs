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
