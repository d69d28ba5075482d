using System;
using System.Collections.Generic;
using System.IO;

namespace Thomas.Data;

/// <summary>Collects labeled pictures in memory, for programs that have them from a camera or a gallery and not in a folder.</summary>
public sealed class PictureSet
{
    private readonly List<(string Label, Picture Picture)> _pictures = [];

    /// <summary>Number of pictures so far.</summary>
    public int Count => _pictures.Count;

    /// <summary>Adds an encoded picture (JPEG, PNG ...). It is decoded when the set is used.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The whole encoded file; must not change afterwards.</param>
    public void Add(string label, ReadOnlyMemory<byte> encoded) => Add(label, Picture.FromEncoded(NextName(label), encoded));

    /// <summary>Adds an encoded picture (JPEG, PNG ...). It is decoded when the set is used.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The encoded file, read to its end now and left open.</param>
    public void Add(string label, Stream encoded)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        ArgumentNullException.ThrowIfNull(encoded);
        Add(label, Picture.FromEncoded(NextName(label), ImageDecoderExtensions.ReadToEnd(encoded)));
    }

    /// <summary>Adds raw pixels, which are copied.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="rgb">[height, width, 3] bytes: red, green, blue.</param>
    /// <param name="width">Width in pixels.</param>
    /// <param name="height">Height in pixels.</param>
    public void Add(string label, ReadOnlySpan<byte> rgb, int width, int height) =>
        Add(label, Picture.FromPixels(NextName(label), new RgbImage(width, height, rgb.ToArray())));

    /// <summary>Adds a picture from anywhere.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="picture">The picture.</param>
    public void Add(string label, Picture picture)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        ArgumentNullException.ThrowIfNull(picture);
        _pictures.Add((label, picture));
    }

    /// <summary>The pictures so far as a data set. Classes are in ordinal order of their names, pictures in the order in which they were added.</summary>
    /// <returns>The data set, every picture <see cref="Subset.Unassigned"/>.</returns>
    public Dataset ToDataset()
    {
        SortedSet<string> labels = new(StringComparer.Ordinal);
        foreach ((string label, _) in _pictures)
        {
            labels.Add(label);
        }

        List<string> classNames = [.. labels];
        List<Sample> samples = new(_pictures.Count);
        foreach ((string label, Picture picture) in _pictures)
        {
            samples.Add(new Sample(picture, classNames.BinarySearch(label, StringComparer.Ordinal), Subset.Unassigned));
        }

        return new Dataset("the picture set", classNames, samples);
    }

    private string NextName(string label) => $"picture {_pictures.Count + 1} ({label})";
}
