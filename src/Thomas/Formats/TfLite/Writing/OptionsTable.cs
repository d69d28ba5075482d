using System;
using System.Collections.Generic;
using Google.FlatBuffers;
using Thomas.Formats.TfLite.Schema;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>The options of one operator: fields by number, those left out keep the schema's defaults.</summary>
internal sealed class OptionsTable(BuiltinOptions type)
{
    private readonly List<(int Field, Action<FlatBufferBuilder, int> Add)> _fields = [];
    private (int Field, int[] Values)? _list;

    /// <summary>No options table at all.</summary>
    public static OptionsTable None { get; } = new(BuiltinOptions.None);

    public BuiltinOptions Type => type;

    public OptionsTable Byte(int field, byte value) => With(field, (builder, at) => builder.AddByte(at, value, 0));

    public OptionsTable Bool(int field, bool value) => With(field, (builder, at) => builder.AddBool(at, value, false));

    public OptionsTable Int(int field, int value, int absent = 0) => With(field, (builder, at) => builder.AddInt(at, value, absent));

    public OptionsTable Float(int field, float value) => With(field, (builder, at) => builder.AddFloat(at, value, 0));

    public OptionsTable Ints(int field, int[] values)
    {
        _list = (field, values);
        return this;
    }

    /// <summary>Writes the table and returns its offset; 0 where there is none.</summary>
    public int Write(FlatBufferBuilder builder)
    {
        if (type == BuiltinOptions.None) return 0;
        int list = _list is null ? 0 : FlatVectors.Ints(builder, _list.Value.Values);
        int fields = _list is null ? 0 : _list.Value.Field + 1;
        foreach ((int field, _) in _fields) fields = Math.Max(fields, field + 1);
        builder.StartTable(fields);
        foreach ((int field, Action<FlatBufferBuilder, int> add) in _fields) add(builder, field);
        if (_list is not null) builder.AddOffset(_list.Value.Field, list, 0);
        return builder.EndTable();
    }

    private OptionsTable With(int field, Action<FlatBufferBuilder, int> add)
    {
        _fields.Add((field, add));
        return this;
    }
}
