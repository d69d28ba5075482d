using System;
using System.Buffers;


namespace Thomas.Data;

/// <summary>
/// Carries out a <see cref="Preprocessing"/> in two halves: image to bytes at the model's size (geometry, worth caching), and bytes to floats (normalization,
/// cheap). Safe for several threads at once. The same image gives the same bits on every machine.
/// </summary>
public sealed class Preprocessor
{
    private const int CropAttempts = 10;

    private readonly float[] _table;

    /// <summary>Creates a preprocessor.</summary>
    /// <param name="preprocessing">What to do.</param>
    /// <exception cref="ArgumentException">A value of <paramref name="preprocessing"/> is not usable.</exception>
    public Preprocessor(Preprocessing preprocessing)
    {
        ArgumentNullException.ThrowIfNull(preprocessing);
        preprocessing.Check();
        Preprocessing = preprocessing;
        CropBytes = checked(preprocessing.Width * preprocessing.Height * 3);
        _table = new float[preprocessing.Channels * 256];
        for (int i = 0; i < _table.Length; i++)
        {
            _table[i] = ((i & 255) - preprocessing.Mean[i >> 8]) / preprocessing.Std[i >> 8];
        }
    }

    /// <summary>What is done.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>Number of bytes of a crop: height * width * 3, whatever the model's channels.</summary>
    public int CropBytes { get; }

    /// <summary>Number of floats of one model input: height * width * channels.</summary>
    public int InputLength => Preprocessing.Width * Preprocessing.Height * Preprocessing.Channels;

    /// <summary>
    /// What to pass to <see cref="IImageDecoder.Decode"/>: twice the resized side, so that a reduced decode leaves a resize by 2 or more, whose filter hides
    /// the difference.
    /// </summary>
    public int MinimumShortSide
    {
        get
        {
            double margin = Preprocessing.Resize == ResizeMode.Stretch ? 1 : Preprocessing.CropMargin;
            return 2 * (int)Math.Ceiling(Math.Max(Preprocessing.Width, Preprocessing.Height) * margin);
        }
    }

    /// <summary>Whole way from an image to a model's input.</summary>
    /// <param name="image">The image.</param>
    /// <param name="input">Receives [height, width, channels] floats; at least <see cref="InputLength"/> long.</param>
    public void Run(RgbImage image, Span<float> input)
    {
        byte[] crop = ArrayPool<byte>.Shared.Rent(CropBytes);
        try
        {
            Crop(image, crop);
            Normalize(crop, input);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(crop);
        }
    }

    /// <summary>Resizes and cuts an image to the model's size.</summary>
    /// <param name="image">The image.</param>
    /// <param name="crop">Receives [height, width, 3] bytes, always red, green, blue; at least <see cref="CropBytes"/> long.</param>
    /// <exception cref="ArgumentException"><paramref name="crop"/> is too short.</exception>
    public void Crop(RgbImage image, Span<byte> crop) => Crop(image, crop, new TriangleFilter(), new TriangleFilter());

    /// <summary>As the public overload, which has the other two parameters explained; the filters are memory to work in.</summary>
    internal void Crop(RgbImage image, Augmentation augmentation, Rng rng, Span<byte> crop, TriangleFilter horizontal, TriangleFilter vertical)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(augmentation);
        ArgumentNullException.ThrowIfNull(rng);
        augmentation.Check();
        CheckLength(crop.Length, CropBytes, nameof(crop));
        if (augmentation.MinimumCropScale == 1 || !TryRandomCrop(image, augmentation.MinimumCropScale, rng, crop, horizontal, vertical))
        {
            Crop(image, crop, horizontal, vertical);
        }

        Recolor(augmentation, rng, crop[..CropBytes]);
    }

    private void Crop(RgbImage image, Span<byte> crop, TriangleFilter horizontal, TriangleFilter vertical)
    {
        ArgumentNullException.ThrowIfNull(image);
        CheckLength(crop.Length, CropBytes, nameof(crop));
        int width = Preprocessing.Width;
        int height = Preprocessing.Height;
        long fullWidth = width;
        long fullHeight = height;
        if (Preprocessing.Resize == ResizeMode.ShorterSideThenCenterCrop)
        {
            // The side that needs the larger factor lands on its target exactly; the other is rounded (half to even).
            double targetWidth = Math.Round(width * Preprocessing.CropMargin);
            double targetHeight = Math.Round(height * Preprocessing.CropMargin);
            bool widthDecides = targetWidth * image.Height >= targetHeight * image.Width;
            fullWidth = (long)(widthDecides ? targetWidth : Math.Max(width, Math.Round(image.Width * targetHeight / image.Height)));
            fullHeight = (long)(widthDecides ? Math.Max(height, Math.Round(image.Height * targetWidth / image.Width)) : targetHeight);
        }

        horizontal.Set(image.Width, 0, (double)image.Width / fullWidth, (fullWidth - width) / 2, width);
        vertical.Set(image.Height, 0, (double)image.Height / fullHeight, (fullHeight - height) / 2, height);
        Resampler.Resize(image, horizontal, vertical, crop);
    }

    /// <summary>Makes a changed view of an image at the model's size.</summary>
    /// <param name="image">The image.</param>
    /// <param name="augmentation">Which changes may be made.</param>
    /// <param name="rng">Source of the choices.</param>
    /// <param name="crop">Receives [height, width, 3] bytes, always red, green, blue; at least <see cref="CropBytes"/> long.</param>
    /// <exception cref="ArgumentException"><paramref name="crop"/> is too short, or a value of <paramref name="augmentation"/> is not usable.</exception>
    internal void Crop(RgbImage image, Augmentation augmentation, Rng rng, Span<byte> crop) =>
        Crop(image, augmentation, rng, crop, new TriangleFilter(), new TriangleFilter());

    /// <summary>Flips and changes the colors of a crop in place; the random crop is not part of it.</summary>
    internal void Recolor(Augmentation augmentation, Rng rng, Span<byte> crop)
    {
        if (augmentation.Flip && rng.Next(2) == 1)
        {
            ColorOperations.FlipHorizontally(crop, Preprocessing.Width);
        }

        if (augmentation.Color > 0)
        {
            ColorOperations.Brightness(crop, rng.Uniform(1 - augmentation.Color, 1 + augmentation.Color));
            ColorOperations.Contrast(crop, rng.Uniform(1 - augmentation.Color, 1 + augmentation.Color));
            ColorOperations.Saturation(crop, rng.Uniform(1 - augmentation.Color, 1 + augmentation.Color));
        }
    }

    /// <summary>Turns a crop into a model's input: channels in order, <c>(byte - mean) / std</c>.</summary>
    /// <param name="crop">[height, width, 3] bytes, red, green, blue.</param>
    /// <param name="input">Receives [height, width, channels] floats; at least <see cref="InputLength"/> long.</param>
    /// <exception cref="ArgumentException">A span is too short.</exception>
    public void Normalize(ReadOnlySpan<byte> crop, Span<float> input)
    {
        CheckLength(crop.Length, CropBytes, nameof(crop));
        CheckLength(input.Length, InputLength, nameof(input));
        crop = crop[..CropBytes];
        input = input[..InputLength];
        ReadOnlySpan<float> first = _table.AsSpan(0, 256);
        if (Preprocessing.ColorOrder == ColorOrder.Gray)
        {
            for (int i = 0; i < input.Length; i++)
            {
                input[i] = first[ColorOperations.Luma(crop[3 * i], crop[(3 * i) + 1], crop[(3 * i) + 2])];
            }

            return;
        }

        ReadOnlySpan<float> second = _table.AsSpan(256, 256);
        ReadOnlySpan<float> third = _table.AsSpan(512, 256);
        int red = Preprocessing.ColorOrder == ColorOrder.Rgb ? 0 : 2;
        int blue = 2 - red;
        for (int i = 0; i + 2 < input.Length && i + 2 < crop.Length; i += 3)
        {
            input[i] = first[crop[i + red]];
            input[i + 1] = second[crop[i + 1]];
            input[i + 2] = third[crop[i + blue]];
        }
    }

    private bool TryRandomCrop(RgbImage image, float minimumScale, Rng rng, Span<byte> crop, TriangleFilter horizontal, TriangleFilter vertical)
    {
        double modelAspect = (double)Preprocessing.Width / Preprocessing.Height;
        for (int attempt = 0; attempt < CropAttempts; attempt++)
        {
            double area = (double)image.Width * image.Height * rng.Uniform(minimumScale, 1);
            double aspect = modelAspect * Math.Pow(4.0 / 3.0, rng.Uniform(-1, 1));
            int width = (int)Math.Round(Math.Sqrt(area * aspect));
            int height = (int)Math.Round(Math.Sqrt(area / aspect));
            if (width >= 1 && height >= 1 && width <= image.Width && height <= image.Height)
            {
                int left = rng.Next(image.Width - width + 1);
                int top = rng.Next(image.Height - height + 1);
                horizontal.Set(image.Width, left, (double)width / Preprocessing.Width, 0, Preprocessing.Width);
                vertical.Set(image.Height, top, (double)height / Preprocessing.Height, 0, Preprocessing.Height);
                Resampler.Resize(image, horizontal, vertical, crop);
                return true;
            }
        }

        return false;
    }

    private static void CheckLength(int actual, int needed, string name)
    {
        if (actual < needed)
        {
            throw new ArgumentException($"The buffer holds {actual} elements; {needed} are needed.", name);
        }
    }
}
