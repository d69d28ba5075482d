using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace Thomas.RealModelTests;

/// <summary>An array in NumPy's .npy format (versions 1 to 3), little-endian, C order.</summary>
internal sealed partial record Npy<T>(int[] Shape, T[] Values)
    where T : unmanaged
{
    public static Npy<T> Load(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < 12 || bytes[0] != 0x93 || !bytes.AsSpan(1, 5).SequenceEqual("NUMPY"u8))
        {
            throw new InvalidDataException($"{path} is not an .npy file.");
        }

        bool longHeader = bytes[6] >= 2;
        int headerStart = longHeader ? 12 : 10;
        int headerLength = longHeader ? BitConverter.ToInt32(bytes, 8) : BitConverter.ToUInt16(bytes, 8);
        string header = Encoding.UTF8.GetString(bytes, headerStart, headerLength);
        string expected = typeof(T) == typeof(float) ? "'<f4'"
            : typeof(T) == typeof(byte) ? "'|u1'"
            : throw new NotSupportedException($"{typeof(T)} is not read.");
        Match shape = ShapePattern().Match(header);
        if (!header.Contains(expected, StringComparison.Ordinal) || !header.Contains("'fortran_order': False", StringComparison.Ordinal) || !shape.Success)
        {
            throw new InvalidDataException($"{path} has the header {header}; expected {expected} in C order.");
        }

        string[] sides = shape.Groups[1].Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        int[] dimensions = Array.ConvertAll(sides, side => int.Parse(side, CultureInfo.InvariantCulture));
        T[] values = MemoryMarshal.Cast<byte, T>(bytes.AsSpan(headerStart + headerLength)).ToArray();
        long count = 1;
        foreach (int side in dimensions)
        {
            count *= side;
        }

        return count == values.Length
            ? new Npy<T>(dimensions, values)
            : throw new InvalidDataException($"{path} has {values.Length} values, its shape needs {count}.");
    }

    [GeneratedRegex(@"'shape':\s*\(([0-9, ]*)\)")]
    private static partial Regex ShapePattern();
}
