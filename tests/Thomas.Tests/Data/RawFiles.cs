using System;
using System.Buffers.Binary;
using System.IO;
using System.IO.Compression;

namespace Thomas.Tests.Data;

/// <summary>Files of raw images made up for tests.</summary>
internal static class RawFiles
{
    /// <summary>Name, a newline, name ...</summary>
    public const string CifarNames = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n";

    /// <summary>An IDX file of bytes.</summary>
    public static byte[] Idx(byte[] data, params int[] dims)
    {
        byte[] file = new byte[4 + (4 * dims.Length) + data.Length];
        (file[2], file[3]) = (8, (byte)dims.Length);
        for (int i = 0; i < dims.Length; i++) BinaryPrimitives.WriteInt32BigEndian(file.AsSpan(4 + (4 * i)), dims[i]);
        data.CopyTo(file, 4 + (4 * dims.Length));
        return file;
    }

    public static byte[] Gzip(byte[] data)
    {
        using MemoryStream compressed = new();
        using (GZipStream gzip = new(compressed, CompressionLevel.Fastest)) gzip.Write(data);
        return compressed.ToArray();
    }

    /// <summary>Pixel k of image i has the value 10 i + k + first.</summary>
    public static byte[] Pixels(int count, int height, int width, int first = 0)
    {
        byte[] pixels = new byte[count * height * width];
        for (int i = 0; i < pixels.Length; i++) pixels[i] = (byte)((10 * (i / (height * width))) + (i % (height * width)) + first);
        return pixels;
    }

    /// <summary>Writes a pair of IDX files, compressed if their names say so; the labels decide how many images there are.</summary>
    public static void Pair(string images, string labels, byte[] values, int height = 2, int width = 3, int first = 0)
    {
        Write(images, Idx(Pixels(values.Length, height, width, first), values.Length, height, width));
        Write(labels, Idx(values, values.Length));
    }

    /// <summary>A CIFAR-10 batch: image i is red i, green 100 + i, blue 200 + i, but its first red byte is 255.</summary>
    public static byte[] Cifar(params byte[] labels)
    {
        byte[] file = new byte[3073 * labels.Length];
        for (int i = 0; i < labels.Length; i++)
        {
            Span<byte> record = file.AsSpan(3073 * i, 3073);
            record[0] = labels[i];
            for (int plane = 0; plane < 3; plane++) record.Slice(1 + (1024 * plane), 1024).Fill((byte)((100 * plane) + i));
            record[1] = 255;
        }

        return file;
    }

    private static void Write(string path, byte[] file) => File.WriteAllBytes(path, path.EndsWith(".gz", StringComparison.Ordinal) ? Gzip(file) : file);
}
