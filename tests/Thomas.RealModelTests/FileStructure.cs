using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Formats.Onnx.Proto;
using Thomas.Formats.TfLite;
using Thomas.Formats.TfLite.Schema;

namespace Thomas.RealModelTests;

/// <summary>Where a model file holds tables, names and settings and not the numbers of its weights.</summary>
internal static class FileStructure
{
    private const int SmallestBlob = 64;

    /// <summary>The stretches of a file outside its weights, in order.</summary>
    public static List<(int Begin, int End)> Of(byte[] file)
    {
        List<(int Begin, int End)> blobs = TfLiteReader.Recognizes(file) ? TfLiteBlobs(file) : OnnxBlobs(file);
        blobs.Sort();
        List<(int Begin, int End)> rest = [];
        int at = 0;
        foreach ((int begin, int end) in blobs)
        {
            if (begin > at) rest.Add((at, begin));
            at = Math.Max(at, end);
        }

        if (at < file.Length) rest.Add((at, file.Length));
        return rest;
    }

    /// <summary>A byte of the stretches, each as likely as any other.</summary>
    public static int Pick(List<(int Begin, int End)> stretches, Random random)
    {
        int total = 0;
        foreach ((int begin, int end) in stretches) total += end - begin;
        int pick = random.Next(total);
        foreach ((int begin, int end) in stretches)
        {
            if (pick < end - begin) return begin + pick;
            pick -= end - begin;
        }

        throw new ArgumentException("There are no bytes to pick from.", nameof(stretches));
    }

    private static List<(int Begin, int End)> TfLiteBlobs(byte[] file)
    {
        List<(int, int)> blobs = [];
        FlatTables buffers = new ModelTable(new FlatFile(file, "structure").Root("model")).Buffers;
        for (int i = 0; i < buffers.Count; i++)
        {
            ReadOnlyMemory<byte> data = new BufferTable(buffers[i]).Data;
            if (data.Length < SmallestBlob || !MemoryMarshal.TryGetArray(data, out ArraySegment<byte> segment)) continue;
            blobs.Add((segment.Offset, segment.Offset + segment.Count));
        }

        return blobs;
    }

    private static List<(int Begin, int End)> OnnxBlobs(byte[] file)
    {
        List<(int, int)> blobs = [];
        foreach (TensorProto tensor in ModelProto.Parser.ParseFrom(file).Graph.Initializer)
        {
            ReadOnlySpan<byte> data = tensor.RawData.Length > 0 ? tensor.RawData.Span : MemoryMarshal.AsBytes<float>([.. tensor.FloatData]);
            if (data.Length < SmallestBlob) continue;
            int at = file.AsSpan().IndexOf(data);
            if (at >= 0) blobs.Add((at, at + data.Length));
        }

        return blobs;
    }
}
