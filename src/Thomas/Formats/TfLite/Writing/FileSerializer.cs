using System;
using System.Collections.Generic;
using System.IO;
using Google.FlatBuffers;
using Thomas.Formats.TfLite.Schema;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>Writes a file's tables by the TFLite schema, version 3c. Field numbers are the schema's.</summary>
internal sealed class FileSerializer
{
    // Runtimes map constants straight from the file and want this alignment.
    private const int BufferAlignment = 16;
    private const int BytesPerTable = 256;
    private const byte LargestByteCode = 127;

    private readonly FileGraph _graph;
    private readonly FlatBufferBuilder _builder;
    private readonly List<int> _buffers = [];
    private readonly List<(BuiltinOperator Code, int Version)> _codes = [];

    private FileSerializer(FileGraph graph, IReadOnlyList<KeyValuePair<string, byte[]>> metadata)
    {
        long bytes = (long)BytesPerTable * (graph.Tensors.Count + graph.Operators.Count + 16);
        foreach (FileTensor tensor in graph.Tensors) bytes += tensor.Data.Length + BufferAlignment;
        foreach (KeyValuePair<string, byte[]> entry in metadata) bytes += entry.Value.Length + BytesPerTable;
        if (bytes > int.MaxValue / 2) throw new ThomasException("The model is too large for a .tflite file; save it as .onnx.");
        _graph = graph;
        _builder = new FlatBufferBuilder((int)bytes);
    }

    /// <summary>Writes the file; metadata entries become named buffers.</summary>
    public static void Write(FileGraph graph, IReadOnlyList<KeyValuePair<string, byte[]>> metadata, Stream stream)
    {
        FileSerializer serializer = new(graph, metadata);
        serializer.WriteModel(metadata);
        ByteBuffer buffer = serializer._builder.DataBuffer;
        stream.Write(buffer.ToArraySegment(buffer.Position, buffer.Length - buffer.Position));
    }

    private void WriteModel(IReadOnlyList<KeyValuePair<string, byte[]>> metadata)
    {
        // Tensors without data refer to buffer 0, which is empty by the schema.
        AddBuffer(default);
        List<int> entries = [];
        foreach (KeyValuePair<string, byte[]> entry in metadata) entries.Add(WriteMetadata(entry));
        int subgraph = WriteSubgraph();
        List<int> codes = [];
        foreach ((BuiltinOperator code, int version) in _codes) codes.Add(WriteCode(code, version));
        int codeVector = FlatVectors.Tables(_builder, codes), subgraphVector = FlatVectors.Tables(_builder, [subgraph]);
        int description = _builder.CreateString("Written by Thomas").Value;
        int bufferVector = FlatVectors.Tables(_builder, _buffers), metadataVector = FlatVectors.Tables(_builder, entries);
        _builder.StartTable(8);
        _builder.AddUint(0, 3, 0);
        _builder.AddOffset(1, codeVector, 0);
        _builder.AddOffset(2, subgraphVector, 0);
        _builder.AddOffset(3, description, 0);
        _builder.AddOffset(4, bufferVector, 0);
        if (entries.Count > 0) _builder.AddOffset(6, metadataVector, 0);
        _builder.Finish(_builder.EndTable(), "TFL3");
    }

    private uint AddBuffer(ReadOnlySpan<byte> data)
    {
        int bytes = data.Length == 0 ? 0 : FlatVectors.Bytes(_builder, data, BufferAlignment);
        _builder.StartTable(3);
        if (bytes != 0) _builder.AddOffset(0, bytes, 0);
        _buffers.Add(_builder.EndTable());
        return (uint)_buffers.Count - 1;
    }

    private int WriteMetadata(KeyValuePair<string, byte[]> entry)
    {
        uint buffer = AddBuffer(entry.Value);
        int name = _builder.CreateString(entry.Key).Value;
        _builder.StartTable(2);
        _builder.AddOffset(0, name, 0);
        _builder.AddUint(1, buffer, 0);
        return _builder.EndTable();
    }

    private int WriteSubgraph()
    {
        List<int> tensors = [], operators = [];
        foreach (FileTensor tensor in _graph.Tensors) tensors.Add(WriteTensor(tensor));
        foreach (FileOperator call in _graph.Operators) operators.Add(WriteOperator(call));
        int tensorVector = FlatVectors.Tables(_builder, tensors), operatorVector = FlatVectors.Tables(_builder, operators);
        int inputs = FlatVectors.Ints(_builder, [.. _graph.Inputs]), outputs = FlatVectors.Ints(_builder, [.. _graph.Outputs]);
        int name = _builder.CreateString("main").Value;
        _builder.StartTable(5);
        _builder.AddOffset(0, tensorVector, 0);
        _builder.AddOffset(1, inputs, 0);
        _builder.AddOffset(2, outputs, 0);
        _builder.AddOffset(3, operatorVector, 0);
        _builder.AddOffset(4, name, 0);
        return _builder.EndTable();
    }

    private int WriteTensor(FileTensor tensor)
    {
        uint buffer = tensor.Data.Length == 0 ? 0 : AddBuffer(tensor.Data.Span);
        int name = _builder.CreateString(tensor.Name).Value, shape = FlatVectors.Ints(_builder, tensor.Dims), signature = 0;
        if (tensor.BatchIsOpen)
        {
            int[] open = [.. tensor.Dims];
            open[0] = -1;
            signature = FlatVectors.Ints(_builder, open);
        }

        int grid = tensor.Grid is null ? 0 : WriteGrid(tensor);
        _builder.StartTable(9);
        _builder.AddOffset(0, shape, 0);
        _builder.AddByte(1, (byte)tensor.Type, 0);
        _builder.AddUint(2, buffer, 0);
        _builder.AddOffset(3, name, 0);
        if (grid != 0) _builder.AddOffset(4, grid, 0);
        if (signature != 0) _builder.AddOffset(7, signature, 0);

        // "Has a rank": LiteRT's compiled models refuse it on tensors of open size, where it is also TFLite's converter that leaves it out.
        if (signature == 0) _builder.AddBool(8, true, false);
        return _builder.EndTable();
    }

    private int WriteGrid(FileTensor tensor)
    {
        int scales = FlatVectors.Floats(_builder, tensor.Grid!.Scales), zeroPoints = FlatVectors.Longs(_builder, tensor.Grid.ZeroPoints);
        _builder.StartTable(7);
        _builder.AddOffset(2, scales, 0);
        _builder.AddOffset(3, zeroPoints, 0);
        _builder.AddInt(6, tensor.Grid.IsPerTensor ? 0 : tensor.Grid.Axis, 0);
        return _builder.EndTable();
    }

    private int WriteOperator(FileOperator call)
    {
        int code = _codes.IndexOf((call.Code, call.Version));
        if (code < 0)
        {
            code = _codes.Count;
            _codes.Add((call.Code, call.Version));
        }

        int inputs = FlatVectors.Ints(_builder, call.Inputs), outputs = FlatVectors.Ints(_builder, call.Outputs), options = call.Options.Write(_builder);
        _builder.StartTable(6);
        _builder.AddUint(0, (uint)code, 0);
        _builder.AddOffset(1, inputs, 0);
        _builder.AddOffset(2, outputs, 0);
        if (options != 0)
        {
            _builder.AddByte(3, (byte)call.Options.Type, 0);
            _builder.AddOffset(4, options, 0);
        }

        return _builder.EndTable();
    }

    private int WriteCode(BuiltinOperator code, int version)
    {
        _builder.StartTable(4);
        _builder.AddByte(0, (byte)Math.Min((int)code, LargestByteCode), 0);
        _builder.AddInt(2, version, 1);
        _builder.AddInt(3, (int)code, 0);
        return _builder.EndTable();
    }
}
