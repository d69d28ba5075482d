using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text.Json;
using Thomas.Graphs;

namespace Thomas.Formats.Safetensors;

/// <summary>
/// Reads safetensors files: the length of the header (8 bytes, little-endian), a JSON object from names to element type, sizes and place, then the
/// elements without gaps. https://github.com/huggingface/safetensors describes it.
/// </summary>
internal static class SafetensorsReader
{
    private const int LengthBytes = sizeof(ulong);

    /// <summary>The header is an object that holds objects that hold arrays.</summary>
    private const int NestingLimit = 3;

    /// <summary>Whether a header seems to begin where it should.</summary>
    public static bool Recognizes(ReadOnlySpan<byte> file) => file.Length > LengthBytes && file[LengthBytes] == (byte)'{';

    /// <exception cref="ModelFormatException">The file is damaged or has elements that are not read.</exception>
    public static WeightFile Read(ReadOnlyMemory<byte> file, WeightCollector collector)
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(file.Span);
        if (length > (ulong)(file.Length - LengthBytes))
        {
            throw new ModelFormatException(
                collector.File, "byte 0",
                $"the header should take {length} bytes, the file has {file.Length - LengthBytes} after its length; it is cut off, or not a safetensors file");
        }

        if (length > ModelLimits.WeightHeaderBytes)
        {
            throw new ModelFormatException(collector.File, "byte 0", $"the header takes {length} bytes; at most {ModelLimits.WeightHeaderBytes} are accepted");
        }

        List<Entry> entries = ReadHeader(file.Span.Slice(LengthBytes, (int)length), collector);
        ReadOnlyMemory<byte> data = file[(LengthBytes + (int)length)..];
        CheckPlaces(entries, data.Length, collector.File);
        foreach (Entry entry in entries)
        {
            if (collector.Wants(entry.Type)) collector.Add(entry.Name, entry.Type, entry.Shape, data[(int)entry.Begin..(int)entry.End]);
            else collector.Skip(entry.Name);
        }

        return collector.ToFile(WeightFormat.Safetensors);
    }

    private static List<Entry> ReadHeader(ReadOnlySpan<byte> header, WeightCollector collector)
    {
        List<Entry> entries = [];
        HashSet<string> names = new(StringComparer.Ordinal);
        Utf8JsonReader json = new(header, new JsonReaderOptions { MaxDepth = NestingLimit });
        try
        {
            Expect(ref json, JsonTokenType.StartObject, collector);
            while (Next(ref json) == JsonTokenType.PropertyName)
            {
                string name = json.GetString()!;
                string place = WeightCollector.PlaceOf(name);
                if (!names.Add(name)) throw new ModelFormatException(collector.File, place, "the name occurs twice");
                Expect(ref json, JsonTokenType.StartObject, collector);
                if (name == "__metadata__")
                {
                    json.Skip();
                    continue;
                }

                if (entries.Count == ModelLimits.WeightTensors)
                {
                    throw new ModelFormatException(collector.File, place, $"there are more than {ModelLimits.WeightTensors} tensors");
                }

                entries.Add(ReadEntry(ref json, name, place, collector));
            }

            if (json.Read()) throw Damaged(collector, json.TokenStartIndex, "something follows the object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Damaged(collector, json.BytesConsumed, e.Message, e);
        }

        return entries;
    }

    /// <summary>The object of one tensor, whose opening brace has been read.</summary>
    private static Entry ReadEntry(ref Utf8JsonReader json, string name, string place, WeightCollector collector)
    {
        StoredType? type = null;
        List<long>? sizes = null, places = null;
        while (Next(ref json) == JsonTokenType.PropertyName)
        {
            string key = json.GetString()!;
            switch (key)
            {
                case "dtype" when type is null:
                    Expect(ref json, JsonTokenType.String, collector);
                    type = TypeOf(json.GetString()!, place, collector.File);
                    break;
                case "shape" when sizes is null:
                    sizes = ReadNumbers(ref json, place, collector);
                    break;
                case "data_offsets" when places is null:
                    places = ReadNumbers(ref json, place, collector);
                    break;
                default:
                    throw new ModelFormatException(collector.File, place, $"the header has '{key}' where dtype, shape and data_offsets are expected once each");
            }
        }

        if (type is not StoredType known || sizes is null || places is not { Count: 2 })
        {
            throw new ModelFormatException(collector.File, place, "the header lacks dtype, shape or the two data_offsets");
        }

        Shape shape = collector.ShapeOf(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(sizes), place);
        long bytes = (long)shape.ElementCount * known.SizeBytes();
        if (places[0] < 0 || places[1] < places[0] || places[1] - places[0] != bytes)
        {
            throw new ModelFormatException(collector.File, place, $"{known}{shape} takes {bytes} bytes, its data_offsets are {places[0]} and {places[1]}");
        }

        return new Entry(name, known, shape, places[0], places[1]);
    }

    private static List<long> ReadNumbers(ref Utf8JsonReader json, string place, WeightCollector collector)
    {
        List<long> numbers = [];
        Expect(ref json, JsonTokenType.StartArray, collector);
        while (Next(ref json) == JsonTokenType.Number)
        {
            if (!json.TryGetInt64(out long number)) throw new ModelFormatException(collector.File, place, "a size or offset is not a whole number below 2^63");
            if (numbers.Count > Shape.MaxRank) throw new ModelFormatException(collector.File, place, $"has more than {Shape.MaxRank} axes");
            numbers.Add(number);
        }

        if (json.TokenType != JsonTokenType.EndArray) throw Damaged(collector, json.TokenStartIndex, "expected a number");
        return numbers;
    }

    private static StoredType TypeOf(string name, string place, string file) => name switch
    {
        "F64" => StoredType.F64,
        "F32" => StoredType.F32,
        "F16" => StoredType.F16,
        "BF16" => StoredType.BF16,
        "I64" => StoredType.I64,
        "I32" => StoredType.I32,
        "I16" => StoredType.I16,
        "I8" => StoredType.I8,
        "U64" => StoredType.U64,
        "U32" => StoredType.U32,
        "U16" => StoredType.U16,
        "U8" => StoredType.U8,
        "BOOL" => StoredType.Bool,
        _ => throw new ModelFormatException(file, place, $"elements of type {name} are not supported; save the weights as F32, F16, BF16 or F64"),
    };

    /// <summary>The format wants the tensors to fill the data area one after the other, in any order.</summary>
    private static void CheckPlaces(List<Entry> entries, int dataBytes, string file)
    {
        Entry[] sorted = [.. entries];
        Array.Sort(sorted, static (a, b) => a.Begin != b.Begin ? a.Begin.CompareTo(b.Begin) : a.End.CompareTo(b.End));
        long at = 0;
        foreach (Entry entry in sorted)
        {
            string place = WeightCollector.PlaceOf(entry.Name);
            if (entry.Begin < at)
            {
                throw new ModelFormatException(file, place, $"its elements begin at {entry.Begin} of the data, within another tensor that ends at {at}");
            }

            if (entry.Begin > at) throw new ModelFormatException(file, place, $"its elements begin at {entry.Begin} of the data and leave a gap after {at}");
            if (entry.End > dataBytes)
            {
                throw new ModelFormatException(file, place, $"its elements end at {entry.End} of the data, which has {dataBytes} bytes; the file is cut off");
            }

            at = entry.End;
        }

        if (at != dataBytes) throw new ModelFormatException(file, "data", $"the tensors end at {at}, the data has {dataBytes} bytes");
    }

    private static JsonTokenType Next(ref Utf8JsonReader json) => json.Read() ? json.TokenType : JsonTokenType.None;

    private static void Expect(ref Utf8JsonReader json, JsonTokenType expected, WeightCollector collector)
    {
        if (Next(ref json) != expected) throw Damaged(collector, json.TokenStartIndex, $"expected {expected}");
    }

    private static ModelFormatException Damaged(WeightCollector collector, long at, string problem, Exception? cause = null) =>
        new(collector.File, $"header, byte {LengthBytes + at}", problem, cause);

    private sealed record Entry(string Name, StoredType Type, Shape Shape, long Begin, long End);
}
