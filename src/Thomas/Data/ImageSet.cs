using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;

namespace Thomas.Data;

/// <summary>
/// Collects labeled images in memory, for programs that have them from a camera or a gallery and not in a folder. Safe for several threads at once.
/// </summary>
/// <example>
/// <code>
/// ImageSet images = new();
/// images.Add("cat", File.ReadAllBytes("cat1.jpg"));
/// images.Add("dog", rgbBytes, width: 640, height: 480);
/// Dataset dataset = images.ToDataset();
/// </code>
/// </example>
public sealed class ImageSet
{
    private readonly List<(string Label, ImageSource Image)> _images = [];
    private readonly Lock _gate = new();

    /// <summary>Number of images so far.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _images.Count;
        }
    }

    /// <summary>Adds an encoded image (JPEG, PNG ...). It is decoded when the set is used.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The whole encoded file; must not change afterwards.</param>
    public void Add(string label, ReadOnlyMemory<byte> encoded) => Add(label, name => ImageSource.FromEncoded(name, encoded));

    /// <summary>Adds an encoded image (JPEG, PNG ...). It is decoded when the set is used.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The encoded file, read to its end now and left open.</param>
    public void Add(string label, Stream encoded)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        ArgumentNullException.ThrowIfNull(encoded);
        byte[] bytes = ImageDecoderExtensions.ReadToEnd(encoded);
        Add(label, name => ImageSource.FromEncoded(name, bytes));
    }

    /// <summary>Adds raw pixels, which are copied.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="rgb">[height, width, 3] bytes: red, green, blue.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    public void Add(string label, ReadOnlySpan<byte> rgb, int width, int height)
    {
        RgbImage image = new(width, height, rgb.ToArray());
        Add(label, name => ImageSource.FromPixels(name, image));
    }

    /// <summary>Adds an image from anywhere.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="image">The image.</param>
    public void Add(string label, ImageSource image)
    {
        ArgumentNullException.ThrowIfNull(image);
        Add(label, _ => image);
    }

    /// <summary>The images so far as a data set. Classes are in ordinal order of their names, images in the order in which they were added.</summary>
    /// <returns>The data set, every image <see cref="Subset.Unassigned"/>.</returns>
    public Dataset ToDataset()
    {
        List<(string Label, ImageSource Image)> images;
        lock (_gate) images = [.. _images];
        SortedSet<string> labels = new(StringComparer.Ordinal);
        foreach ((string label, _) in images)
        {
            labels.Add(label);
        }

        List<string> classNames = [.. labels];
        List<Sample> samples = new(images.Count);
        foreach ((string label, ImageSource image) in images)
        {
            samples.Add(new Sample(image, classNames.BinarySearch(label, StringComparer.Ordinal), Subset.Unassigned));
        }

        return new Dataset("the image set", classNames, samples);
    }

    private void Add(string label, Func<string, ImageSource> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        lock (_gate) _images.Add((label, create($"image {_images.Count + 1} ({label})")));
    }
}
