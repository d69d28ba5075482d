using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas;

/// <summary>Order of the channels that a model expects.</summary>
public enum ColorOrder
{
    /// <summary>Red, green, blue.</summary>
    Rgb,

    /// <summary>Blue, green, red, as Caffe's models want it.</summary>
    Bgr,

    /// <summary>One channel: luma 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), rounded to a byte.</summary>
    Gray,
}

/// <summary>How an image of any shape becomes one of the model's size.</summary>
public enum ResizeMode
{
    /// <summary>Keep the shape: resize until the image covers the model's size times <see cref="Preprocessing.CropMargin"/>, then cut out the center.</summary>
    ShorterSideThenCenterCrop,

    /// <summary>Resize straight to the model's size, whatever that does to the shape.</summary>
    Stretch,
}

/// <summary>One number for each channel, in the order of the model's channels. A gray model uses the first only.</summary>
/// <param name="First">Channel 0.</param>
/// <param name="Second">Channel 1.</param>
/// <param name="Third">Channel 2.</param>
public readonly record struct ChannelValues(float First, float Second, float Third)
{
    /// <summary>The same number for every channel.</summary>
    /// <param name="value">The number.</param>
    public ChannelValues(float value)
        : this(value, value, value)
    {
    }

    /// <summary>The number of a channel.</summary>
    /// <param name="channel">0, 1 or 2.</param>
    public float this[int channel] => channel switch
    {
        0 => First,
        1 => Second,
        2 => Third,
        _ => throw new ArgumentOutOfRangeException(nameof(channel)),
    };
}

/// <summary>
/// What happens to an image before a model sees it: resized to the model's size, channels put in order, and
/// <c>value = (byte - Mean[channel]) / Std[channel]</c>, mean and std being in units of 0..255. Immutable; stored inside the model files that Thomas writes.
/// </summary>
public sealed record Preprocessing
{
    /// <summary>What the models of torchvision, timm and most others want: 256 before a crop of 224.</summary>
    public const double DefaultCropMargin = 256.0 / 224.0;

    /// <summary>The longest side of a model's image.</summary>
    internal const int MaximumSide = 16384;

    /// <summary>Models up to this side are fed digits, icons and CIFAR's images, which come at the model's size: a margin would cut off their edges.</summary>
    private const int LargestSmallSide = 64;

    /// <summary>Names that <see cref="Preset"/> knows.</summary>
    public static IReadOnlyList<string> PresetNames { get; } = ["imagenet", "tf", "unit", "raw", "caffe-bgr"];

    /// <summary>Width of the model's input in pixels.</summary>
    public required int Width { get; init; }

    /// <summary>Height of the model's input in pixels.</summary>
    public required int Height { get; init; }

    /// <summary>What is subtracted, 0..255, one for each channel of the model in its order.</summary>
    public ChannelValues Mean { get; init; }

    /// <summary>What the difference is divided by, one for each channel of the model in its order. Never zero.</summary>
    public ChannelValues Std { get; init; } = new(1);

    /// <summary>Order of the channels.</summary>
    public ColorOrder ColorOrder { get; init; }

    /// <summary>How the size is reached.</summary>
    public ResizeMode Resize { get; init; }

    /// <summary>
    /// For <see cref="ResizeMode.ShorterSideThenCenterCrop"/>: how much larger than the crop the resized image is, from 1 (largest crop that fits) to 4.
    /// </summary>
    public double CropMargin { get; init; } = DefaultCropMargin;

    /// <summary>What transparent parts of an image are laid over when it is decoded.</summary>
    public RgbColor Background { get; init; } = RgbColor.White;

    /// <summary>Number of channels of the model's input: 1 for gray, else 3.</summary>
    public int Channels => ColorOrder == ColorOrder.Gray ? 1 : 3;

    /// <summary>The margin for a model whose file does not tell it.</summary>
    internal static double CropMarginFor(int width, int height) => Math.Max(width, height) <= LargestSmallSide ? 1 : DefaultCropMargin;

    /// <summary>A well-known normalization, by name.</summary>
    /// <param name="name">
    /// <c>imagenet</c>: (x/255 - mean) / std with torchvision's constants; <c>tf</c>: x/127.5 - 1; <c>unit</c>: x/255; <c>raw</c>: 0..255;
    /// <c>caffe-bgr</c>: blue, green, red minus 103.94, 116.78, 123.68.
    /// </param>
    /// <param name="width">Width of the model's input.</param>
    /// <param name="height">Height of the model's input.</param>
    /// <returns>The preprocessing.</returns>
    /// <exception cref="ArgumentException">The name is not one of <see cref="PresetNames"/>, or the size is not usable.</exception>
    public static Preprocessing Preset(string name, int width, int height)
    {
        ArgumentNullException.ThrowIfNull(name);
        Preprocessing plain = new() { Width = width, Height = height };
        Preprocessing preset = name switch
        {
            "imagenet" => plain with { Mean = new(123.675f, 116.28f, 103.53f), Std = new(58.395f, 57.12f, 57.375f) },
            "tf" => plain with { Mean = new(127.5f), Std = new(127.5f) },
            "unit" => plain with { Std = new(255) },
            "raw" => plain,
            "caffe-bgr" => plain with { Mean = new(103.94f, 116.78f, 123.68f), ColorOrder = ColorOrder.Bgr },
            _ => throw new ArgumentException($"Unknown preprocessing '{name}'; choose one of {string.Join(", ", PresetNames)}.", nameof(name)),
        };
        preset.Check();
        return preset;
    }

    /// <summary>Checks that every value is usable.</summary>
    /// <exception cref="ArgumentException">A value is not; the message names it.</exception>
    public void Check()
    {
        if (Width is < 1 or > MaximumSide || Height is < 1 or > MaximumSide)
        {
            throw new ArgumentException($"The model's input is {Width}x{Height} pixels; each side must be 1 to {MaximumSide}.");
        }

        if (!(CropMargin is >= 1 and <= 4))
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"The crop margin is {CropMargin}; it must be 1 to 4."));
        }

        if (!Enum.IsDefined(ColorOrder) || !Enum.IsDefined(Resize))
        {
            throw new ArgumentException("The color order or the resize mode is not one of the known values.");
        }

        for (int channel = 0; channel < 3; channel++)
        {
            if (!float.IsFinite(Mean[channel]) || !float.IsFinite(Std[channel]) || Std[channel] == 0)
            {
                throw new ArgumentException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"Channel {channel} has mean {Mean[channel]} and std {Std[channel]}; both must be finite, and std must not be zero."));
            }
        }
    }
}
