using System;
using System.IO.Hashing;
using Thomas.Data;

namespace Thomas.Training;

/// <summary>What an image looks like, in few numbers: a thumbnail to compare with others, and the properties that a person would be told of.</summary>
internal sealed class ImageLook
{
    /// <summary>Height and width of a thumbnail.</summary>
    public const int Side = 16;

    /// <summary>Number of parts of a thumbnail: 4x4 squares.</summary>
    public const int Parts = 16;

    /// <summary>Bytes of a thumbnail.</summary>
    public const int Bytes = Side * Side * 3;

    // A standard deviation of brightness below this is the noise of a camera or of JPEG.
    private const double PlainDeviation = 2.5;

    // How far the channels of a cell may lie apart; JPEG moves those of a gray image by a level or two.
    private const int GrayRange = 5;

    private ImageLook(RgbImage image)
    {
        ShortSide = Math.Min(image.Width, image.Height);
        PixelHash = XxHash128.HashToUInt128(image.Pixels, image.Width);
        TriangleFilter horizontal = new(image.Width, 0, (double)image.Width / Side, 0, Side);
        TriangleFilter vertical = new(image.Height, 0, (double)image.Height / Side, 0, Side);
        Resampler.Resize(image, horizontal, vertical, Thumbnail);
        long sum = 0, squares = 0;
        IsGray = true;
        for (int i = 0; i < Bytes; i += 3)
        {
            int r = Thumbnail[i], g = Thumbnail[i + 1], b = Thumbnail[i + 2];
            IsGray &= Math.Max(r, Math.Max(g, b)) - Math.Min(r, Math.Min(g, b)) <= GrayRange;
            sum += r + g + b;
            PartMeans[(i / 3 / (Side * 4) * 4) + (i / 3 % Side / 4)] += (r + g + b) * (1f / (Bytes / Parts));
            squares += (r * r) + (g * g) + (b * b);
        }

        Mean = (float)sum / Bytes;
        Spread = (float)Math.Sqrt(Math.Max(0, ((double)squares / Bytes) - ((double)Mean * Mean)));
        IsOneColor = Deviation(image) < PlainDeviation;
    }

    /// <summary>[16, 16, 3] bytes, whatever the image's shape.</summary>
    public byte[] Thumbnail { get; } = new byte[Bytes];

    /// <summary>Means of the parts.</summary>
    public float[] PartMeans { get; } = new float[Parts];

    /// <summary>Shorter side of the image as it was decoded.</summary>
    public int ShortSide { get; }

    /// <summary>XXH3 (128 bits) of width and pixels as they were decoded.</summary>
    public UInt128 PixelHash { get; }

    /// <summary>Mean of the thumbnail's bytes.</summary>
    public float Mean { get; }

    /// <summary>Standard deviation of the thumbnail's bytes.</summary>
    public float Spread { get; }

    /// <summary>Whether there is no color in the image.</summary>
    public bool IsGray { get; }

    /// <summary>Whether there is nothing but one color in the image.</summary>
    public bool IsOneColor { get; }

    public static ImageLook Of(RgbImage image) => new(image);

    /// <summary>The largest standard deviation of the three channels.</summary>
    private static double Deviation(RgbImage image)
    {
        Span<long> sums = [0, 0, 0], squares = [0, 0, 0];
        byte[] pixels = image.Pixels;
        for (int i = 0; i + 2 < pixels.Length; i += 3)
        {
            int r = pixels[i], g = pixels[i + 1], b = pixels[i + 2];
            sums[0] += r;
            sums[1] += g;
            sums[2] += b;
            squares[0] += r * r;
            squares[1] += g * g;
            squares[2] += b * b;
        }

        double count = pixels.Length / 3, most = 0;
        for (int c = 0; c < 3; c++)
        {
            double mean = sums[c] / count;
            most = Math.Max(most, (squares[c] / count) - (mean * mean));
        }

        return Math.Sqrt(most);
    }
}
