using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Runtime.InteropServices;

namespace Thomas.Tests.Formats.PyTorch;

/// <summary>Small files as torch.save writes them.</summary>
internal static class TorchFile
{
    /// <summary>Sizes [2,3], [2] and [3,2], the last a transposed view of the first's storage; and a counter.</summary>
    public static byte[] SampleState(bool legacy = false) => new PickleBuilder().OpenDict()
        .Text("fc.weight").Tensor("FloatStorage", "0", 6, 0, [2, 3], [3, 1], legacy)
        .Text("fc.bias").Tensor("HalfStorage", "1", 4, 1, [2], [2], legacy)
        .Text("tied").Tensor("FloatStorage", "0", 6, 0, [3, 2], [1, 3], legacy)
        .Text("bn.num_batches_tracked").Tensor("LongStorage", "2", 1, 0, [], [], legacy)
        .Ops("u").End();

    public static (string Key, byte[] Bytes)[] SampleStorages { get; } =
    [
        ("0", Bytes<float>(1, 2, 3, 4, 5, 6)), ("1", Bytes((Half)9, (Half)0.5f, (Half)9, (Half)(-2))), ("2", Bytes(12L)),
    ];

    public static byte[] Bytes<T>(params ReadOnlySpan<T> values)
        where T : struct
        => MemoryMarshal.AsBytes(values).ToArray();

    /// <summary>The archive of PyTorch 1.6 and later.</summary>
    public static byte[] Zip(
        byte[] pickle, ReadOnlySpan<(string Key, byte[] Bytes)> storages, string byteOrder = "little", CompressionLevel level = CompressionLevel.NoCompression)
    {
        using MemoryStream stream = new();
        using (ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add(archive, "sample/data.pkl", pickle, level);
            Add(archive, "sample/byteorder", [.. byteOrder.Select(c => (byte)c)], level);
            foreach ((string key, byte[] bytes) in storages) Add(archive, $"sample/data/{key}", bytes, level);
        }

        return stream.ToArray();
    }

    /// <summary>The format before PyTorch 1.6: magic number, version, facts about the machine, object, keys, storages.</summary>
    public static byte[] Legacy(byte[] pickle, ReadOnlySpan<(string Key, byte[] Bytes, long Count)> storages, bool littleEndian = true)
    {
        using MemoryStream stream = new();
        stream.Write([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
        stream.Write(new PickleBuilder().Raw((byte)'M', 0xe9, 3).End());
        stream.Write(new PickleBuilder().Ops("}").Text("little_endian").Raw((byte)(littleEndian ? 0x88 : 0x89)).Ops("s").End());
        stream.Write(pickle);
        PickleBuilder keys = new PickleBuilder().Ops("](");
        foreach ((string key, _, _) in storages) keys.Text(key);
        stream.Write(keys.Ops("e").End());
        foreach ((_, byte[] bytes, long count) in storages)
        {
            stream.Write(BitConverter.GetBytes(count));
            stream.Write(bytes);
        }

        return stream.ToArray();
    }

    public static byte[] SampleZip(CompressionLevel level = CompressionLevel.NoCompression) => Zip(SampleState(), SampleStorages, level: level);

    public static byte[] SampleLegacy() =>
        Legacy(SampleState(legacy: true), [("1", SampleStorages[1].Bytes, 4), ("0", SampleStorages[0].Bytes, 6), ("2", SampleStorages[2].Bytes, 1)]);

    private static void Add(ZipArchive archive, string name, byte[] bytes, CompressionLevel level)
    {
        using Stream entry = archive.CreateEntry(name, level).Open();
        entry.Write(bytes);
    }
}
