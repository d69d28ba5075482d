using System;
using System.IO;
using System.Runtime.InteropServices;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Runtime;
using AttributeType = Thomas.Formats.Onnx.Proto.AttributeProto.Types.AttributeType;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Builds small ONNX files and runs what is read from them.</summary>
internal sealed class OnnxFile
{
    public OnnxFile(int opset = 13)
    {
        Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });
    }

    public ModelProto Proto { get; } = new() { IrVersion = 8, Graph = new GraphProto { Name = "test" } };

    public OnnxFile Input(string name, params long[] dims) => InputOf(DataType.Float, name, dims);

    /// <summary>A size of 0 stands for an open one.</summary>
    public OnnxFile InputOf(DataType type, string name, params long[] dims)
    {
        Proto.Graph.Input.Add(Info(name, type, dims));
        return this;
    }

    public OnnxFile Output(string name)
    {
        Proto.Graph.Output.Add(Info(name, DataType.Float, []));
        return this;
    }

    public OnnxFile Floats(string name, long[] dims, params float[] values) => Raw(name, DataType.Float, dims, MemoryMarshal.AsBytes(values.AsSpan()));

    public OnnxFile Longs(string name, params long[] values) => Raw(name, DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan()));

    public OnnxFile Raw(string name, DataType type, long[] dims, ReadOnlySpan<byte> bytes)
    {
        TensorProto tensor = new() { Name = name, DataType = (int)type, RawData = ByteString.CopyFrom(bytes) };
        tensor.Dims.Add(dims);
        Proto.Graph.Initializer.Add(tensor);
        return this;
    }

    public OnnxFile Node(string op, string[] inputs, string[] outputs, params (string Name, object Value)[] attributes)
    {
        NodeProto node = new()
        {
            OpType = op[(op.LastIndexOf('.') + 1)..],
            Domain = op.Contains('.', StringComparison.Ordinal) ? op[..op.LastIndexOf('.')] : "",
            Name = $"{op}_node",
        };
        node.Input.Add(inputs);
        node.Output.Add(outputs);
        foreach ((string name, object value) in attributes) node.Attribute.Add(Attribute(name, value));
        Proto.Graph.Node.Add(node);
        return this;
    }

    public OnnxFile Metadata(string key, string value)
    {
        Proto.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });
        return this;
    }

    public Model Load() => Model.Load(new MemoryStream(Proto.ToByteArray()), "test.onnx");

    /// <summary>Loads and runs on inputs in the graph's layout; the first output.</summary>
    public float[] Run(params float[][] inputs)
    {
        using Executable executable = Executable.Compile(Load().Graph, 1, new CompileOptions { Device = DeviceKind.Serial });
        for (int i = 0; i < inputs.Length; i++) inputs[i].CopyTo(executable.Input(i));
        executable.Run();
        return executable.Output().ToArray();
    }

    private static AttributeProto Attribute(string name, object value)
    {
        AttributeProto attribute = new() { Name = name };
        switch (value)
        {
            case int number: (attribute.Type, attribute.I) = (AttributeType.Int, number); break;
            case float number: (attribute.Type, attribute.F) = (AttributeType.Float, number); break;
            case string text: (attribute.Type, attribute.S) = (AttributeType.String, ByteString.CopyFromUtf8(text)); break;
            case TensorProto tensor: (attribute.Type, attribute.T) = (AttributeType.Tensor, tensor); break;
            case GraphProto graph: (attribute.Type, attribute.G) = (AttributeType.Graph, graph); break;
            case float[] numbers:
                attribute.Type = AttributeType.Floats;
                attribute.Floats.Add(numbers);
                break;
            case int[] numbers:
                attribute.Type = AttributeType.Ints;
                foreach (int number in numbers) attribute.Ints.Add(number);
                break;
            default: throw new ArgumentException($"attribute of {value.GetType()}");
        }

        return attribute;
    }

    private static ValueInfoProto Info(string name, DataType type, long[] dims)
    {
        TensorShapeProto shape = new();
        foreach (long dim in dims)
            shape.Dim.Add(dim == 0 ? new TensorShapeProto.Types.Dimension { DimParam = "N" } : new TensorShapeProto.Types.Dimension { DimValue = dim });
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } } };
    }
}
