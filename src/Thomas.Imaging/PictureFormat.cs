using System;

using SkiaSharp;

namespace Thomas.Imaging;

/// <summary>Words for what is wrong with a picture.</summary>
internal static class PictureFormat
{
    /// <summary>Why the decoder did not even open the file.</summary>
    public static string DescribeRefusal(ReadOnlySpan<byte> encoded, SKCodecResult result)
    {
        string? known = Recognize(encoded);
        if (known is not null)
        {
            return $"{known} pictures are not supported; convert it to JPEG, PNG, WebP, GIF or BMP.";
        }

        return result switch
        {
            SKCodecResult.Unimplemented => "The picture is not a JPEG, PNG, WebP, GIF or BMP, or uses a part of the format that is not supported.",
            _ => $"The picture's header cannot be read: {DescribeFailure(result)}",
        };
    }

    /// <summary>Why the pixels could not be decoded.</summary>
    public static string DescribeFailure(SKCodecResult result) => result switch
    {
        SKCodecResult.IncompleteInput => "The picture is cut off: its data ends too early.",
        SKCodecResult.ErrorInInput => "The picture's data is damaged.",
        SKCodecResult.InvalidInput => "The picture's data is not valid.",
        SKCodecResult.InvalidConversion => "The picture's pixel format cannot be converted to RGB.",
        SKCodecResult.Unimplemented => "The picture uses a part of its format that is not supported.",
        _ => $"The decoder reports {result}.",
    };

    private static string? Recognize(ReadOnlySpan<byte> encoded)
    {
        if (encoded.StartsWith("II*\0"u8) || encoded.StartsWith("MM\0*"u8))
        {
            return "TIFF";
        }

        if (encoded.Length >= 12 && encoded[4..8].SequenceEqual("ftyp"u8))
        {
            return encoded[8..12].SequenceEqual("avif"u8) ? "AVIF" : "HEIC";
        }

        return encoded is [0xFF, 0x0A, ..] || encoded.StartsWith("\0\0\0\u000CJXL "u8) ? "JPEG XL" : null;
    }
}
