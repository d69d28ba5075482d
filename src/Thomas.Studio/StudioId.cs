using System;
using System.Buffers;

namespace Thomas.Studio;

/// <summary>Names that the server gives, and the secret. Nothing that a request says becomes a name of a file.</summary>
internal static class StudioId
{
    /// <summary>Hexadecimal digits of a name.</summary>
    public const int Digits = 16;

    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    /// <summary>A new name.</summary>
    public static string New() => Guid.NewGuid().ToString("N")[^Digits..];

    /// <summary>
    /// A secret of 244 random bits, from the system's generator. Not from the class for cryptography, which needs OpenSSL on Linux: a program without
    /// system libraries has none.
    /// </summary>
    public static string NewSecret() => $"{Guid.NewGuid():N}{Guid.NewGuid():N}";

    /// <summary>Whether a text can be a name.</summary>
    public static bool IsOne(ReadOnlySpan<char> text) => text.Length == Digits && !text.ContainsAnyExcept(Hex);
}
