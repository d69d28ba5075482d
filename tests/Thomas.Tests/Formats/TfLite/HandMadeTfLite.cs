using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Google.FlatBuffers;
using Thomas.Formats.TfLite.Schema;
using Thomas.Formats.TfLite.Writing;

namespace Thomas.Tests.Formats.TfLite;

/// <summary>Files with what Thomas never writes: several graphs, signatures, sparse constants. Field numbers are the schema's.</summary>
internal sealed class HandMadeTfLite
{
    private readonly FlatBufferBuilder _builder = new(1024);
    private readonly List<int> _buffers = [];
    private readonly List<int> _tensors = [];
    private readonly List<int> _operators = [];
    private readonly List<int> _codes = [];
    private readonly List<int> _subgraphs = [];
    private readonly List<int> _signatures = [];

    public HandMadeTfLite() => Buffer(default);

    /// <summary>A tensor of the graph that is being made.</summary>
    public int Tensor(string name, int[] dims, ReadOnlySpan<float> values = default, int sparsity = 0)
    {
        uint buffer = values.Length == 0 ? 0 : Buffer(MemoryMarshal.AsBytes(values));
        int text = _builder.CreateString(name).Value, shape = FlatVectors.Ints(_builder, dims);
        _builder.StartTable(9);
        _builder.AddOffset(0, shape, 0);
        _builder.AddUint(2, buffer, 0);
        _builder.AddOffset(3, text, 0);
        if (sparsity != 0) _builder.AddOffset(6, sparsity, 0);
        _tensors.Add(_builder.EndTable());
        return _tensors.Count - 1;
    }

    /// <summary>Sparse storage by levels, each of a size or of segments and positions, which are stored in 8, 16 or 32 bits.</summary>
    public int Sparsity(int[] order, int[] blockMap, int bits, params (int Size, int[]? Segments, int[]? Positions)[] levels)
    {
        List<int> tables = [];
        foreach ((int size, int[]? segments, int[]? positions) in levels)
        {
            int first = segments is null ? 0 : Indices(segments, bits), second = positions is null ? 0 : Indices(positions, bits);
            byte kind = bits switch { 32 => 1, 16 => 2, _ => 3 };
            _builder.StartTable(6);
            _builder.AddByte(0, segments is null ? (byte)0 : (byte)1, 0);
            _builder.AddInt(1, size, 0);
            if (first != 0)
            {
                _builder.AddByte(2, kind, 0);
                _builder.AddOffset(3, first, 0);
                _builder.AddByte(4, kind, 0);
                _builder.AddOffset(5, second, 0);
            }

            tables.Add(_builder.EndTable());
        }

        int traversal = FlatVectors.Ints(_builder, order), blocks = FlatVectors.Ints(_builder, blockMap), vector = FlatVectors.Tables(_builder, tables);
        _builder.StartTable(3);
        _builder.AddOffset(0, traversal, 0);
        _builder.AddOffset(1, blocks, 0);
        _builder.AddOffset(2, vector, 0);
        return _builder.EndTable();
    }

    public void Operator(BuiltinOperator code, int[] inputs, int output)
    {
        _builder.StartTable(4);
        _builder.AddByte(0, (byte)Math.Min((int)code, 127), 0);
        _builder.AddInt(3, (int)code, 0);
        _codes.Add(_builder.EndTable());
        int reads = FlatVectors.Ints(_builder, inputs), writes = FlatVectors.Ints(_builder, [output]);
        _builder.StartTable(6);
        _builder.AddUint(0, (uint)_codes.Count - 1, 0);
        _builder.AddOffset(1, reads, 0);
        _builder.AddOffset(2, writes, 0);
        _operators.Add(_builder.EndTable());
    }

    /// <summary>Ends a graph; the next tensors are another's.</summary>
    public void Graph(int input, int output)
    {
        int tensors = FlatVectors.Tables(_builder, _tensors), operators = FlatVectors.Tables(_builder, _operators),
            inputs = FlatVectors.Ints(_builder, [input]), outputs = FlatVectors.Ints(_builder, [output]);
        _builder.StartTable(5);
        _builder.AddOffset(0, tensors, 0);
        _builder.AddOffset(1, inputs, 0);
        _builder.AddOffset(2, outputs, 0);
        _builder.AddOffset(3, operators, 0);
        _subgraphs.Add(_builder.EndTable());
        _tensors.Clear();
        _operators.Clear();
    }

    public void Signature(string key, int graph)
    {
        int text = _builder.CreateString(key).Value;
        _builder.StartTable(5);
        _builder.AddOffset(2, text, 0);
        _builder.AddUint(4, (uint)graph, 0);
        _signatures.Add(_builder.EndTable());
    }

    public byte[] Finish()
    {
        int codes = FlatVectors.Tables(_builder, _codes), subgraphs = FlatVectors.Tables(_builder, _subgraphs),
            buffers = FlatVectors.Tables(_builder, _buffers), signatures = FlatVectors.Tables(_builder, _signatures);
        _builder.StartTable(8);
        _builder.AddUint(0, 3, 0);
        _builder.AddOffset(1, codes, 0);
        _builder.AddOffset(2, subgraphs, 0);
        _builder.AddOffset(4, buffers, 0);
        if (_signatures.Count > 0) _builder.AddOffset(7, signatures, 0);
        _builder.Finish(_builder.EndTable(), "TFL3");
        return _builder.SizedByteArray();
    }

    private uint Buffer(ReadOnlySpan<byte> data)
    {
        int bytes = data.Length == 0 ? 0 : FlatVectors.Bytes(_builder, data, 16);
        _builder.StartTable(1);
        if (bytes != 0) _builder.AddOffset(0, bytes, 0);
        _buffers.Add(_builder.EndTable());
        return (uint)_buffers.Count - 1;
    }

    private int Indices(int[] values, int bits)
    {
        int vector = bits switch
        {
            32 => FlatVectors.Ints(_builder, values),
            16 => Shorts(values),
            _ => FlatVectors.Bytes(_builder, Array.ConvertAll(values, static v => (byte)v), 4),
        };
        _builder.StartTable(1);
        _builder.AddOffset(0, vector, 0);
        return _builder.EndTable();
    }

    private int Shorts(int[] values)
    {
        _builder.StartVector(sizeof(ushort), values.Length, sizeof(ushort));
        for (int i = values.Length - 1; i >= 0; i--) _builder.AddUshort((ushort)values[i]);
        return _builder.EndVector().Value;
    }
}
