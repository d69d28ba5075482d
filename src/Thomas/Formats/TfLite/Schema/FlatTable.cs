using System;
using System.Runtime.InteropServices;
using System.Text;
using Google.FlatBuffers;

namespace Thomas.Formats.TfLite.Schema;

/// <summary>
/// A table of a FlatBuffers file with checked access by field number. The default value stands for an absent table: all its fields are absent.
/// </summary>
internal readonly struct FlatTable(FlatFile file, Table table, int tableBytes, FlatPlace place)
{
    private readonly FlatFile? _file = file;
    private readonly Table _table = table;

    public bool IsPresent => _file is not null;

    public FlatPlace Place => place;

    public byte Byte(int field, byte absent = 0) => Position(field, sizeof(byte)) is var at && at != 0 ? _file!.Buffer.Get(at) : absent;

    public bool Bool(int field) => Byte(field) != 0;

    public int Int(int field, int absent = 0) => Position(field, sizeof(int)) is var at && at != 0 ? _file!.Buffer.GetInt(at) : absent;

    public ulong Ulong(int field) => Position(field, sizeof(ulong)) is var at && at != 0 ? _file!.Buffer.GetUlong(at) : 0;

    public float Float(int field, float absent = 0) => Position(field, sizeof(float)) is var at && at != 0 ? _file!.Buffer.GetFloat(at) : absent;

    public bool Has(int field) => Position(field, 1) != 0;

    /// <summary>A nested table; absent where the field is.</summary>
    public FlatTable Table(int field, FlatPlace nested)
    {
        int at = Position(field, sizeof(int));
        return at == 0 ? default : _file!.TableAt(_file.Follow(at, place), nested);
    }

    /// <summary>A vector of tables; empty where the field is absent.</summary>
    public FlatTables Tables(int field, string kind)
    {
        (int start, int count) = Vector(field, sizeof(int));
        return new FlatTables(_file!, start, count, kind);
    }

    public string? String(int field)
    {
        if (Position(field, sizeof(int)) == 0) return null;
        ReadOnlySpan<byte> text = Bytes(field).Span;
        _file!.ChargeText(text.Length, place);
        return Encoding.UTF8.GetString(text);
    }

    /// <summary>A vector of bytes, as a slice of the file.</summary>
    public ReadOnlyMemory<byte> Bytes(int field)
    {
        (int start, int count) = Vector(field, sizeof(byte));
        return count == 0 ? default : _file!.Bytes.Slice(start, count);
    }

    public ReadOnlySpan<int> Ints(int field) => Elements<int>(field);

    public ReadOnlySpan<ushort> Ushorts(int field) => Elements<ushort>(field);

    public ReadOnlySpan<long> Longs(int field) => Elements<long>(field);

    public ReadOnlySpan<float> Floats(int field) => Elements<float>(field);

    private unsafe ReadOnlySpan<T> Elements<T>(int field)
        where T : unmanaged
    {
        (int start, int count) = Vector(field, sizeof(T));
        if (count == 0) return default;
        _file!.Charge(count, place);
        return MemoryMarshal.Cast<byte, T>(_file.Bytes.Span.Slice(start, count * sizeof(T)));
    }

    private (int Start, int Count) Vector(int field, int elementBytes)
    {
        int at = Position(field, sizeof(int));
        if (at == 0) return default;
        int vector = _file!.Follow(at, place);
        long count = _file.Buffer.GetUint(vector);
        _file.Require(_file.Holds(vector + (long)sizeof(int), count * elementBytes), place, $"field {field} holds {count} elements, more than the file");
        return (vector + sizeof(int), (int)count);
    }

    /// <summary>Where a field's value stands, or 0 where the field is absent.</summary>
    private int Position(int field, int bytes)
    {
        if (_file is null) return 0;
        int offset = _table.__offset(4 + (2 * field));
        if (offset == 0) return 0;
        _file.Require(offset >= sizeof(int) && offset + bytes <= tableBytes, place, $"field {field} lies outside its table");
        return _table.bb_pos + offset;
    }
}

/// <summary>A vector of tables.</summary>
internal readonly struct FlatTables(FlatFile file, int start, int count, string kind)
{
    public int Count => count;

    public FlatTable this[int index]
    {
        get
        {
            FlatPlace place = new(kind, index);
            return file.TableAt(file.Follow(start + (index * sizeof(int)), place), place);
        }
    }
}
