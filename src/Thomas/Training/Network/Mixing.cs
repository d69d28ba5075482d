using System;

namespace Thomas.Training;

/// <summary>How much of another image a training image is mixed with.</summary>
/// <param name="Share">l: what remains of the image, in [0, 1]; 1 where nothing is mixed.</param>
/// <param name="Left">First column of the rectangle that is replaced; a rectangle without area means that all pixels are blended.</param>
/// <param name="Top">Its first row.</param>
/// <param name="Width">Its width.</param>
/// <param name="Height">Its height.</param>
internal readonly record struct Mix(float Share, int Left = 0, int Top = 0, int Width = 0, int Height = 0);

/// <summary>Random choices of mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019), and what they do to pixels.</summary>
internal static class Mixing
{
    /// <summary>Draws how an image is mixed.</summary>
    /// <param name="rng">Source of the choices.</param>
    /// <param name="mixup">Parameter of mixup's Beta distribution; 0 for never.</param>
    /// <param name="cutMix">Parameter of CutMix's; 0 for never. With both above 0, either is as likely.</param>
    /// <param name="width">Width of the images.</param>
    /// <param name="height">Their height.</param>
    public static Mix Draw(Rng rng, float mixup, float cutMix, int width, int height)
    {
        bool cut = cutMix > 0 && (mixup == 0 || rng.Next(2) == 1);
        float share = Beta(rng, cut ? cutMix : mixup);
        if (!cut) return new Mix(share);

        // A rectangle of the image's shape around a random center; what of it lies outside is cut off, and the share follows.
        double side = Math.Sqrt(1 - share);
        int centerX = rng.Next(width), centerY = rng.Next(height), halfWidth = (int)(width * side / 2), halfHeight = (int)(height * side / 2);
        int left = Math.Max(0, centerX - halfWidth), right = Math.Min(width, centerX + halfWidth);
        int top = Math.Max(0, centerY - halfHeight), bottom = Math.Min(height, centerY + halfHeight);
        return right == left || bottom == top
            ? new Mix(1)
            : new Mix(1 - ((float)(right - left) * (bottom - top) / ((float)width * height)), left, top, right - left, bottom - top);
    }

    /// <summary>Mixes two images.</summary>
    /// <param name="mix">How.</param>
    /// <param name="image">[height, width, channels]; changed in place.</param>
    /// <param name="other">The other one.</param>
    /// <param name="width">Width of the images.</param>
    /// <param name="channels">Their channels.</param>
    public static void Apply(Mix mix, Span<float> image, ReadOnlySpan<float> other, int width, int channels)
    {
        if (mix.Width > 0)
        {
            for (int y = mix.Top; y < mix.Top + mix.Height; y++)
            {
                int start = ((y * width) + mix.Left) * channels;
                other.Slice(start, mix.Width * channels).CopyTo(image[start..]);
            }

            return;
        }

        for (int i = 0; i < image.Length && i < other.Length; i++) image[i] = (mix.Share * image[i]) + ((1 - mix.Share) * other[i]);
    }

    /// <summary>A number from Beta(a, a), as <c>x / (x + y)</c> with x and y from Gamma(a).</summary>
    public static float Beta(Rng rng, float a)
    {
        double x = Gamma(rng, a), y = Gamma(rng, a);

        // For tiny a both may underflow; the distribution then is almost all at 0 and 1.
        return x + y > 0 ? (float)(x / (x + y)) : rng.Next(2);
    }

    /// <summary>A number from Gamma(a) of scale 1 (Marsaglia and Tsang 2000); for a below 1, <c>Gamma(a + 1) * u^(1/a)</c>.</summary>
    private static double Gamma(Rng rng, double a)
    {
        double boost = 1;
        if (a < 1)
        {
            boost = Math.Pow(1 - rng.Uniform(), 1 / a);
            a++;
        }

        double d = a - (1.0 / 3), c = 1 / Math.Sqrt(9 * d);
        while (true)
        {
            double normal = rng.Normal(), v = 1 + (c * normal);
            if (v <= 0) continue;
            v = v * v * v;
            double u = 1 - rng.Uniform();
            if (Math.Log(u) < (0.5 * normal * normal) + d - (d * v) + (d * Math.Log(v))) return boost * d * v;
        }
    }
}
