using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;

namespace Thomas.RealModelTests;

/// <summary>Recorded arrays, and images as inputs.</summary>
internal static class OnnxAssets
{
    public static float[] Floats(string name, out int[] shape) => MemoryMarshal.Cast<byte, float>(Read(name, "'<f4'", out shape)).ToArray();

    public static byte[] Bytes(string name, out int[] shape) => Read(name, "'|u1'", out shape).ToArray();

    /// <summary>Writes one of several NHWC RGB images as a model's input.</summary>
    public static void Fill(Span<float> input, byte[] images, int index, Preprocessing preprocessing)
    {
        for (int i = 0; i < input.Length; i++)
        {
            int channel = i % 3, source = preprocessing.ColorOrder == ColorOrder.Bgr ? 2 - channel : channel;
            input[i] = (images[(index * input.Length) + i - channel + source] - preprocessing.Mean[channel]) / preprocessing.Std[channel];
        }
    }

    private static ReadOnlySpan<byte> Read(string name, string type, out int[] shape)
    {
        byte[] bytes = File.ReadAllBytes(Assets.PathOf("golden", name + ".npy"));
        int length = BitConverter.ToUInt16(bytes, 8);
        string header = Encoding.ASCII.GetString(bytes, 10, length);
        Assert(header.Contains(type, StringComparison.Ordinal) && header.Contains("'fortran_order': False", StringComparison.Ordinal), header);
        int open = header.IndexOf('(', StringComparison.Ordinal), close = header.IndexOf(')', StringComparison.Ordinal);
        string[] sizes = header[(open + 1)..close].Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        shape = Array.ConvertAll(sizes, static size => int.Parse(size, CultureInfo.InvariantCulture));
        return bytes.AsSpan(10 + length);
    }

    private static void Assert(bool condition, string header)
    {
        if (!condition) throw new InvalidDataException($"unexpected .npy header {header}");
    }
}
