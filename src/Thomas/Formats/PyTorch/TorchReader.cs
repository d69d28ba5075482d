using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Numerics;
using PickleDict = System.Collections.Generic.OrderedDictionary<string, object?>;

namespace Thomas.Formats.PyTorch;

/// <summary>Reads files of <c>torch.save</c>: a zip archive (PyTorch 1.6 on) or the legacy format, pickles and storages one after the other.</summary>
internal static class TorchReader
{
    private const string PickleName = "data.pkl";


    private static readonly BigInteger LegacyMagic = BigInteger.Parse("119547037146038801333356", System.Globalization.CultureInfo.InvariantCulture);
    private const long LegacyVersion = 1001;

    /// <summary>Finds the bytes of a storage.</summary>
    private delegate ReadOnlyMemory<byte> StorageBytes(TorchStorage storage);

    /// <summary>Whether the file begins like a zip archive or a pickle.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => IsZip(file) || file[0] == 0x80;

    /// <param name="file">Its bytes.</param>
    /// <param name="collector">Receives the tensors.</param>
    /// <param name="entry">The key of the checkpoint to take the weights from; null chooses.</param>
    /// <exception cref="ModelFormatException">The file is damaged, names code, or has elements that are not read.</exception>
    public static WeightFile Read(ReadOnlyMemory<byte> file, WeightCollector collector, string? entry) =>
        IsZip(file.Span) ? ReadZip(file, collector, entry) : ReadLegacy(file, collector, entry);

    private static bool IsZip(ReadOnlySpan<byte> file) => file.StartsWith("PK\x03\x04"u8);

    private static WeightFile ReadZip(ReadOnlyMemory<byte> file, WeightCollector collector, string? key)
    {
        ZipDirectory archive = new(file, collector.File);
        string prefix = FindPrefix(archive, collector.File);
        if (archive.Open(prefix + "byteorder", collector.Charge) is ReadOnlyMemory<byte> order && !order.Span.StartsWith("little"u8))
        {
            throw new ModelFormatException(
                collector.File, $"entry '{prefix}byteorder'",
                "the file was written by a big-endian machine, which is not supported; load and save it again on a little-endian one");
        }

        Unpickler unpickler = new(archive.Open(prefix + PickleName, collector.Charge)!.Value, 0, collector.File, PickleName);
        object? root = unpickler.Read();
        Dictionary<string, ReadOnlyMemory<byte>> opened = new(StringComparer.Ordinal);
        return ReadTensors(root, collector, key, storage =>
        {
            if (!opened.TryGetValue(storage.Key, out ReadOnlyMemory<byte> bytes))
            {
                string name = $"{prefix}data/{storage.Key}";
                bytes = archive.Open(name, collector.Charge)
                    ?? throw new ModelFormatException(collector.File, PickleName, $"the archive lacks the entry '{name}'");
                long expected = SizeOf(storage, collector.File);
                if (bytes.Length != expected)
                {
                    throw new ModelFormatException(
                        collector.File, $"entry '{name}'", $"{storage.Count} {storage.Type} elements take {expected} bytes, the entry has {bytes.Length}");
                }

                bytes = collector.Aligned(bytes, storage.Type, $"entry '{name}'");
                opened.Add(storage.Key, bytes);
            }

            return bytes;
        });
    }

    /// <summary>All entries stand in a folder that is named after the file; that of the pickle is it.</summary>
    private static string FindPrefix(ZipDirectory archive, string file)
    {
        string? found = null;
        foreach (string name in archive.Names)
        {
            if (name != PickleName && !name.EndsWith("/" + PickleName, StringComparison.Ordinal)) continue;
            if (found is not null) throw new ModelFormatException(file, "archive", $"there are two entries {PickleName}: '{found}' and '{name}'");
            found = name;
        }

        return found?[..^PickleName.Length] ?? throw new ModelFormatException(file, "archive", $"there is no {PickleName}, so torch.save did not write it");
    }

    private static WeightFile ReadLegacy(ReadOnlyMemory<byte> file, WeightCollector collector, string? wanted)
    {
        int at = 0;
        if (Next("first pickle").Root is not BigInteger magic || magic != LegacyMagic)
        {
            throw new ModelFormatException(collector.File, "first pickle", "this is a pickle, but torch.save did not write it");
        }

        if (Next("second pickle").Root is not LegacyVersion)
        {
            throw new ModelFormatException(collector.File, "second pickle", $"the legacy format has another version than {LegacyVersion}");
        }

        if (Next("third pickle").Root is not PickleDict system || system.GetValueOrDefault("little_endian") is not true)
        {
            throw new ModelFormatException(
                collector.File, "third pickle",
                "the file was written by a big-endian machine, which is not supported; load and save it again on a little-endian one");
        }

        (object? root, Dictionary<string, TorchStorage> storages) = Next("fourth pickle");
        if (Next("fifth pickle").Root is not List<object?> keys)
        {
            throw new ModelFormatException(collector.File, "fifth pickle", "the list of storages is missing");
        }

        Dictionary<string, ReadOnlyMemory<byte>> places = new(StringComparer.Ordinal);
        foreach (object? item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out TorchStorage? storage))
            {
                throw new ModelFormatException(collector.File, "fifth pickle", $"the list names a storage '{item as string}' that no tensor has");
            }

            long bytes = SizeOf(storage, collector.File);
            string place = $"byte {at}, storage '{key}'";
            if (file.Length - at < sizeof(long) || bytes > file.Length - at - sizeof(long))
            {
                throw new ModelFormatException(collector.File, place, $"{storage.Count} {storage.Type} elements take {bytes} bytes; the file is cut off");
            }

            long count = BinaryPrimitives.ReadInt64LittleEndian(file.Span[at..]);
            if (count != storage.Count)
            {
                throw new ModelFormatException(collector.File, place, $"the storage has {count} elements, the pickle says {storage.Count}");
            }

            if (!places.TryAdd(key, file.Slice(at + sizeof(long), (int)bytes)))
            {
                throw new ModelFormatException(collector.File, "fifth pickle", $"the list names storage '{key}' twice");
            }

            at += sizeof(long) + (int)bytes;
        }

        return ReadTensors(root, collector, wanted, storage => places.TryGetValue(storage.Key, out ReadOnlyMemory<byte> bytes)
            ? places[storage.Key] = collector.Aligned(bytes, storage.Type, $"storage '{storage.Key}'")
            : throw new ModelFormatException(collector.File, "fifth pickle", $"the list lacks storage '{storage.Key}'"));

        (object? Root, Dictionary<string, TorchStorage> Storages) Next(string entry)
        {
            Unpickler unpickler = new(file, at, collector.File, entry);
            object? value = unpickler.Read();
            at = unpickler.Position;
            return (value, unpickler.Storages);
        }
    }

    private static long SizeOf(TorchStorage storage, string file) => storage.Count <= int.MaxValue / storage.Type.SizeBytes()
        ? storage.Count * storage.Type.SizeBytes()
        : throw new ModelFormatException(file, $"storage '{storage.Key}'", $"it has {storage.Count} {storage.Type} elements, 2 GiB or more");

    private static WeightFile ReadTensors(object? root, WeightCollector collector, string? key, StorageBytes storageBytes)
    {
        foreach ((string name, object? value) in TorchCheckpoint.Find(root, collector.File, key, collector.Notes))
        {
            if (value is not TorchTensor tensor || !collector.Wants(tensor.Storage.Type)) collector.Skip(name);
            else TorchElements.Add(collector, name, tensor, storageBytes(tensor.Storage));
        }

        return collector.ToFile(WeightFormat.PyTorch);
    }
}
