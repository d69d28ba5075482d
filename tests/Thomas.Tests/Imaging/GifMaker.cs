using System;
using System.Collections.Generic;

namespace Thomas.Tests.Imaging;

/// <summary>Writes GIF files of one frame: random indexes in runs, packed with LZW.</summary>
internal sealed class GifMaker
{
    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>Left, top, width and height of the frame; all of the image unless told otherwise.</summary>
    public (int X, int Y, int Width, int Height)? Frame { get; init; }

    public int Bits { get; init; } = 8;

    public bool IsInterlaced { get; init; }

    public int? Transparent { get; init; }

    /// <summary>Whether the palette belongs to the frame instead of the file.</summary>
    public bool HasLocalPalette { get; init; }

    /// <summary>Whether the table of codes is never emptied when it is full.</summary>
    public bool KeepsFullTable { get; init; }

    public bool HasComment { get; init; }

    public byte[] Make(ulong seed)
    {
        Rng rng = new(seed);
        byte[] palette = new byte[3 << Bits];
        for (int i = 0; i < palette.Length; i++) palette[i] = (byte)rng.Next(256);
        byte flags = (byte)(0x80 | (Bits - 1));
        List<byte> file = [.. "GIF89a"u8, .. Word(Width), .. Word(Height), HasLocalPalette ? (byte)0 : flags, 0, 0];
        if (!HasLocalPalette) file.AddRange(palette);
        if (HasComment) file.AddRange([0x21, 0xFE, 3, 1, 2, 3, 2, 4, 5, 0]);
        if (Transparent is int index) file.AddRange([0x21, 0xF9, 4, 1, 0, 0, (byte)index, 0]);
        (int x, int y, int width, int height) = Frame ?? (0, 0, Width, Height);
        byte local = (byte)((HasLocalPalette ? flags : 0) | (IsInterlaced ? 0x40 : 0));
        file.AddRange([0x2C, .. Word(x), .. Word(y), .. Word(width), .. Word(height), local]);
        if (HasLocalPalette) file.AddRange(palette);
        byte[] indexes = new byte[width * height];
        for (int i = 0; i < indexes.Length; i++) indexes[i] = i > 0 && rng.Next(4) > 0 ? indexes[i - 1] : (byte)rng.Next(1 << Bits);
        Pack(file, indexes);
        file.Add(0x3B);
        return [.. file];
    }

    private static byte[] Word(int number) => [(byte)number, (byte)(number >> 8)];

    private void Pack(List<byte> file, byte[] indexes)
    {
        int minimum = Math.Max(2, Bits), clear = 1 << minimum, width = minimum + 1, bits = 0, count = 0;
        List<byte> packed = [];
        Dictionary<(int, byte), int> codes = [];
        Put(clear);
        int text = -1;
        foreach (byte index in indexes)
        {
            if (text < 0) text = index;
            else if (codes.TryGetValue((text, index), out int longer)) text = longer;
            else
            {
                Put(text);
                int next = clear + 2 + codes.Count;
                if (next < 4096)
                {
                    codes.Add((text, index), next);
                    if (next == 1 << width && width < 12) width++;
                }
                else if (!KeepsFullTable)
                {
                    Put(clear);
                    codes.Clear();
                    width = minimum + 1;
                }

                text = index;
            }
        }

        if (text >= 0) Put(text);
        Put(clear + 1);
        if (count > 0) packed.Add((byte)bits);
        file.Add((byte)minimum);
        for (int at = 0; at < packed.Count; at += 255)
        {
            int length = Math.Min(255, packed.Count - at);
            file.Add((byte)length);
            file.AddRange(packed.GetRange(at, length));
        }

        file.Add(0);

        void Put(int code)
        {
            bits |= code << count;
            for (count += width; count >= 8; count -= 8, bits >>= 8) packed.Add((byte)bits);
        }
    }
}
