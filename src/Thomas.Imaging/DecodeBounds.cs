using System;
using System.Threading;
using SkiaSharp;
using Thomas.Data;

namespace Thomas.Imaging;

/// <summary>What a decoder may spend: the pixels that an image may claim, and the memory that decodes share.</summary>
internal sealed class DecodeBounds
{
    // Up to here an image is decoded at once, as it was always done. Above, it is reduced while it is read where that is asked for.
    public const int LargePixels = 4 << 20;

    private const long GarbageBytes = 8 << 20;

    // A header may claim 4 mebipixels without further ado. Above that the file must have a byte for every 10,000 pixels: deflate cannot reach more than 8,300
    // (1-bit PNG), and photographs stay below 100.
    private const int AlwaysPlausiblePixels = 4 << 20;
    private const int PixelsPerByte = 10_000;

    private static readonly DecodeBudget Shared = new(SkiaImageDecoder.DefaultMemory);

    private readonly long _maximumPixels;
    private readonly long _mostBytes;
    private readonly bool _isBounded;
    private readonly DecodeBudget _budget;
    private long _collectedAt;

    /// <param name="maximumPixels">Images whose header claims more pixels than this are refused.</param>
    /// <param name="memory">Bytes that decodes may hold together; 0 for a share of what all of the process may.</param>
    public DecodeBounds(long maximumPixels, long memory)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maximumPixels, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(memory);
        _maximumPixels = maximumPixels;
        _budget = memory == 0 ? Shared : new DecodeBudget(memory);
        _isBounded = memory > 0;
        _mostBytes = memory == 0 ? 4 * SkiaImageDecoder.DefaultMemory : memory;
    }

    /// <summary>How many pixels of a large image may be averaged without the shorter side falling below what is wanted.</summary>
    public static int ReductionFactor(int width, int height, int minimumShortSide) => minimumShortSide == 0 || (long)width * height <= LargePixels
        ? 1
        : Math.Clamp(Math.Min(width, height) / minimumShortSide, 1, BoxReducer.MaximumFactor);

    /// <summary>Bytes that the result takes while it comes into being.</summary>
    public static long SinkCost(int width, int height, int factor, bool anyOrder) =>
        factor == 1 ? (long)width * height * 3 : BoxReducer.Cost(width, height, factor, anyOrder);

    /// <summary>The result, to be filled.</summary>
    public static PixelSink CreateSink(int width, int height, int factor, SKEncodedOrigin origin, bool anyOrder, RgbColor background) =>
        factor == 1 ? new Upright(width, height, origin, background) : new BoxReducer(width, height, factor, origin, anyOrder, background);

    /// <summary>Throws if a header claims what cannot be, or more than is decoded.</summary>
    /// <exception cref="ImageFormatException">It does.</exception>
    public void CheckSize(int width, int height, int encodedBytes)
    {
        long pixels = (long)width * height;
        if (width < 1 || height < 1)
        {
            throw new ImageFormatException($"The header claims {width}x{height} pixels.");
        }

        if (pixels > _maximumPixels || pixels > Array.MaxLength / 4)
        {
            throw new ImageFormatException($"The header claims {width}x{height} pixels; at most {_maximumPixels} pixels are decoded.");
        }

        if (pixels > AlwaysPlausiblePixels && pixels / PixelsPerByte > encodedBytes)
        {
            throw new ImageFormatException($"The header claims {width}x{height} pixels, which {encodedBytes} bytes cannot hold.");
        }
    }

    /// <summary>
    /// Files and images that are done with are large, and the collector is in no hurry: under a bound they go before they amount to much.
    /// </summary>
    public void CollectGarbage(int encodedBytes)
    {
        if (!_isBounded) return;
        long allocated = GC.GetTotalAllocatedBytes();
        long last = Interlocked.Read(ref _collectedAt);
        if (allocated + encodedBytes - last < GarbageBytes || Interlocked.CompareExchange(ref _collectedAt, allocated, last) != last) return;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: false);
    }

    /// <summary>Waits for the share of the memory that a decode will hold.</summary>
    /// <exception cref="ImageFormatException">It would hold too much.</exception>
    public DecodeBudget.Share Reserve(int width, int height, long cost)
    {
        if (cost > _mostBytes)
        {
            throw new ImageFormatException(
                $"Decoding its {width}x{height} pixels takes about {ByteSize.FormatAtLeast(cost)}, above the limit of {ByteSize.Format(_mostBytes)}; save "
                + $"it smaller, or as a baseline JPEG (not progressive) or a PNG.");
        }

        return _budget.Take(cost);
    }

    /// <summary>Decodes rows under the bounds.</summary>
    /// <param name="rows">The rows; what their header claims has been checked.</param>
    /// <param name="minimumShortSide">See <see cref="IImageDecoder.Decode"/>.</param>
    /// <param name="origin">Where the first row and column belong.</param>
    /// <param name="background">What transparent pixels are laid over.</param>
    public RgbImage Decode(IRowSource rows, int minimumShortSide, SKEncodedOrigin origin, RgbColor background)
    {
        int factor = ReductionFactor(rows.Width, rows.Height, minimumShortSide);
        long cost = rows.Cost + SinkCost(rows.Width, rows.Height, factor, rows.AnyOrder);
        using DecodeBudget.Share share = Reserve(rows.Width, rows.Height, cost);
        PixelSink sink = CreateSink(rows.Width, rows.Height, factor, origin, rows.AnyOrder, background);
        rows.Read(sink);
        return sink.Finish();
    }
}
