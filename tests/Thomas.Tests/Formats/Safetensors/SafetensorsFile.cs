using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Thomas.Graphs;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Formats.Safetensors;

/// <summary>Small safetensors files.</summary>
internal static class SafetensorsFile
{
    /// <summary>A file of the header and the data as they are given.</summary>
    public static byte[] Of(string header, ReadOnlySpan<byte> data = default)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        return [.. length, .. text, .. data];
    }

    /// <summary>A file of float32 tensors.</summary>
    public static byte[] Of(params ReadOnlySpan<(string Name, int[] Sizes, float[] Values)> tensors)
    {
        List<string> entries = [];
        List<byte> data = [];
        foreach ((string name, int[] sizes, float[] values) in tensors)
        {
            int begin = data.Count;
            data.AddRange(MemoryMarshal.AsBytes(values.AsSpan()));
            entries.Add(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{string.Join(',', sizes)}],\"data_offsets\":[{begin},{data.Count}]}}"));
        }

        string header = "{" + string.Join(',', entries) + "}";
        return Of(header.PadRight((header.Length + 7) / 8 * 8), data.ToArray());
    }

    /// <summary>Weights of float32 noise, each with the sizes and seed given.</summary>
    public static WeightFile Weights(params ReadOnlySpan<(string Name, uint Seed, int[] Sizes)> tensors)
    {
        List<(string, int[], float[])> filled = [];
        foreach ((string name, uint seed, int[] sizes) in tensors) filled.Add((name, sizes, TestGraphs.Noise(new Shape(sizes).ElementCount, seed)));
        return WeightFile.Load(Of(CollectionsMarshal.AsSpan(filled)), "weights");
    }
}
