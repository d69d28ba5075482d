using System;
using System.Diagnostics.CodeAnalysis;
using SkiaSharp;
using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>Chooses between the decoders of images: SkiaSharp's where its native library can be loaded, else the one in managed code.</summary>
public static class ImageDecoders
{
    private const string StaticBuild = "Thomas.StaticBuild";

    private static readonly Lazy<string?> Problem = new(static () => IsStatic ? "this build cannot load libraries" : Probe(UseSkia));

    /// <summary>Why SkiaSharp cannot be used, as a part of a sentence; null if it can.</summary>
    public static string? SkiaProblem => Problem.Value;

    // A program that is linked statically never finds the library. It says so when it is built, so that SkiaSharp's code is left out of it.
    [FeatureSwitchDefinition(StaticBuild)]
    internal static bool IsStatic => AppContext.TryGetSwitch(StaticBuild, out bool isStatic) && isStatic;

    /// <summary>The better decoder of those that work here.</summary>
    /// <param name="maximumPixels">Images whose header claims more pixels than this are refused.</param>
    /// <param name="memory">Bytes that the decodes of this decoder may hold together; 0 lets it share <see cref="SkiaImageDecoder.DefaultMemory"/> with all
    /// others of the process.</param>
    /// <returns>A <see cref="SkiaImageDecoder"/>, or a <see cref="ManagedImageDecoder"/> if there is a <see cref="SkiaProblem"/>.</returns>
    public static IImageDecoder Best(long maximumPixels = SkiaImageDecoder.DefaultMaximumPixels, long memory = 0) =>
        IsStatic || SkiaProblem is not null ? new ManagedImageDecoder(maximumPixels, memory) : new SkiaImageDecoder(maximumPixels, memory);

    /// <summary>What <see cref="Best"/> reads, by which decoder, and why.</summary>
    /// <returns>The rest of a sentence.</returns>
    public static string Describe() => SkiaProblem is string problem
        ? $"JPEG, PNG, GIF, BMP, TIFF by managed code; no WebP: {problem}"
        : $"JPEG, PNG, WebP, GIF, BMP by SkiaSharp {SkiaSharpVersion.Native}, TIFF";

    /// <summary>Why a first use of a library fails; null if it does not.</summary>
    internal static string? Probe(Action use)
    {
        try
        {
            use();
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException
            or InvalidOperationException)
        {
            Exception cause = e;
            while (cause is TypeInitializationException && cause.InnerException is Exception inner) cause = inner;

            // The first sentence: after it come paths and advice about loaders.
            return $"SkiaSharp's native library cannot be used: {cause.Message.Split(". ")[0].Split('\n')[0].TrimEnd('.', '\r', ' ')}";
        }
    }

    private static void UseSkia()
    {
        // An object of any kind checks that the library is there and of the right version.
        using SKBitmap bitmap = new(1, 1);
        _ = bitmap.ByteCount;
    }
}
