using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;

namespace Thomas.Data;

/// <summary>Collects labeled pictures in memory, for programs that have them from a camera or a gallery and not in a folder. Safe for several threads at once.</summary>
public sealed class PictureSet
{
    private readonly List<(string Label, Picture Picture)> _pictures = [];
    private readonly Lock _gate = new();

    /// <summary>Number of pictures so far.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _pictures.Count;
        }
    }

    /// <summary>Adds an encoded picture (JPEG, PNG ...). It is decoded when the set is used.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The whole encoded file; must not change afterwards.</param>
    public void Add(string label, ReadOnlyMemory<byte> encoded) => Add(label, name => Picture.FromEncoded(name, encoded));

    /// <summary>Adds an encoded picture (JPEG, PNG ...). It is decoded when the set is used.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The encoded file, read to its end now and left open.</param>
    public void Add(string label, Stream encoded)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        ArgumentNullException.ThrowIfNull(encoded);
        byte[] bytes = ImageDecoderExtensions.ReadToEnd(encoded);
        Add(label, name => Picture.FromEncoded(name, bytes));
    }

    /// <summary>Adds raw pixels, which are copied.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="rgb">[height, width, 3] bytes: red, green, blue.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    public void Add(string label, ReadOnlySpan<byte> rgb, int width, int height)
    {
        RgbImage image = new(width, height, rgb.ToArray());
        Add(label, name => Picture.FromPixels(name, image));
    }

    /// <summary>Adds a picture from anywhere.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="picture">The picture.</param>
    public void Add(string label, Picture picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        Add(label, _ => picture);
    }

    /// <summary>The pictures so far as a data set. Classes are in ordinal order of their names, pictures in the order in which they were added.</summary>
    /// <returns>The data set, every picture <see cref="Subset.Unassigned"/>.</returns>
    public Dataset ToDataset()
    {
        List<(string Label, Picture Picture)> pictures;
        lock (_gate) pictures = [.. _pictures];
        SortedSet<string> labels = new(StringComparer.Ordinal);
        foreach ((string label, _) in pictures)
        {
            labels.Add(label);
        }

        List<string> classNames = [.. labels];
        List<Sample> samples = new(pictures.Count);
        foreach ((string label, Picture picture) in pictures)
        {
            samples.Add(new Sample(picture, classNames.BinarySearch(label, StringComparer.Ordinal), Subset.Unassigned));
        }

        return new Dataset("the picture set", classNames, samples);
    }

    private void Add(string label, Func<string, Picture> create)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        lock (_gate) _pictures.Add((label, create($"picture {_pictures.Count + 1} ({label})")));
    }
}
