using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;

namespace Thomas.Tests.Imaging;

/// <summary>Writes TIFF files (TIFF 6.0) of the kinds that tests need.</summary>
internal sealed class TiffFile
{
    private readonly SortedDictionary<ushort, (ushort Type, uint[] Values)> _tags = [];

    public bool IsBigEndian { get; init; }

    public uint Compression { get; init; } = 1;

    public void Set(ushort tag, params uint[] values) => _tags[tag] = (4, values);

    public void SetShorts(ushort tag, params uint[] values) => _tags[tag] = (3, values);

    /// <summary>The file with strips or tiles of these bytes.</summary>
    public byte[] ToBytes(IReadOnlyList<byte[]> chunks, bool isTiled = false)
    {
        List<byte[]> packed = [.. chunks.Select(Pack)];
        List<uint> offsets = [];
        uint at = 8;
        foreach (byte[] chunk in packed)
        {
            offsets.Add(at);
            at += (uint)chunk.Length + ((uint)chunk.Length & 1);
        }

        SetShorts(259, Compression);
        Set((ushort)(isTiled ? 324 : 273), [.. offsets]);
        Set((ushort)(isTiled ? 325 : 279), [.. packed.Select(chunk => (uint)chunk.Length)]);
        using MemoryStream file = new();
        file.Write(IsBigEndian ? "MM\0*"u8 : "II*\0"u8);
        Write(file, at, 4);
        foreach (byte[] chunk in packed)
        {
            file.Write(chunk);
            if ((chunk.Length & 1) == 1) file.WriteByte(0);
        }

        Write(file, (uint)_tags.Count, 2);
        uint extra = at + 2 + (12 * (uint)_tags.Count) + 4;
        using MemoryStream values = new();
        foreach ((ushort tag, (ushort type, uint[] numbers)) in _tags)
        {
            int size = type == 3 ? 2 : 4;
            Write(file, tag, 2);
            Write(file, type, 2);
            Write(file, (uint)numbers.Length, 4);
            bool isInline = numbers.Length * size <= 4;
            if (!isInline) Write(file, extra + (uint)values.Length, 4);
            foreach (uint number in numbers) Write(isInline ? file : values, number, size);
            for (int i = numbers.Length * size; isInline && i < 4; i++) file.WriteByte(0);
        }

        Write(file, 0, 4);
        values.WriteTo(file);
        return file.ToArray();
    }

    private byte[] Pack(byte[] bytes)
    {
        using MemoryStream packed = new();
        switch (Compression)
        {
            case 8:
                using (ZLibStream deflate = new(packed, CompressionLevel.Optimal, leaveOpen: true)) deflate.Write(bytes);
                break;
            case 32773:
                for (int i = 0; i < bytes.Length;)
                {
                    int run = 1;
                    while (run < 128 && i + run < bytes.Length && bytes[i + run] == bytes[i]) run++;
                    packed.WriteByte((byte)(run > 1 ? 257 - run : 0));
                    packed.WriteByte(bytes[i]);
                    i += run;
                }

                break;
            case 5:
                PackLzw(bytes, packed);
                break;
            default:
                return bytes;
        }

        return packed.ToArray();
    }

    private static void PackLzw(byte[] bytes, MemoryStream packed)
    {
        Dictionary<string, int> codes = [];
        int width = 9, next = 258, held = 0, bits = 0;
        string text = "";
        Put(256);
        foreach (byte value in bytes)
        {
            string longer = text + (char)value;
            if (longer.Length == 1 || codes.ContainsKey(longer))
            {
                text = longer;
                continue;
            }

            Put(CodeOf(text));
            codes[longer] = next++;
            if (next + 1 > 1 << width) width++;
            if (next == 4094)
            {
                Put(256);
                codes.Clear();
                (width, next) = (9, 258);
            }

            text = $"{(char)value}";
        }

        if (text.Length > 0)
        {
            Put(CodeOf(text));

            // Whoever reads has made a code of it, and may read the last one a bit wider.
            if (next + 2 > 1 << width && width < 12) width++;
        }

        Put(257);
        if (bits > 0) packed.WriteByte((byte)(held << (8 - bits)));

        int CodeOf(string word) => word.Length == 1 ? word[0] : codes[word];

        void Put(int code)
        {
            held = (held << width) | code;
            bits += width;
            while (bits >= 8)
            {
                bits -= 8;
                packed.WriteByte((byte)(held >> bits));
            }

            held &= (1 << bits) - 1;
        }
    }

    private void Write(Stream stream, uint number, int size)
    {
        for (int i = 0; i < size; i++) stream.WriteByte((byte)(number >> (8 * (IsBigEndian ? size - 1 - i : i))));
    }
}
