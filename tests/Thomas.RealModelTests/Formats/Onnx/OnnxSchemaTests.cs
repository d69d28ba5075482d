using System;
using System.IO;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Xunit;

namespace Thomas.RealModelTests.Formats.Onnx;

public sealed class OnnxSchemaTests
{
    // Our schema is a part of the public one: what it does not know must survive, and what it knows must keep number and wire type.
    [Theory]
    [InlineData("SqueezeNet_fp16.onnx", (int)TensorProto.Types.DataType.Float16)]
    [InlineData("mnist.onnx", (int)TensorProto.Types.DataType.Float)]
    [InlineData("mobilenet_v1_0.25_224_bn.onnx", (int)TensorProto.Types.DataType.Float)]
    [InlineData("mobilenet_v2_quant.onnx", (int)TensorProto.Types.DataType.Uint8)]
    [InlineData("resnet20_cifar10.onnx", (int)TensorProto.Types.DataType.Float)]
    public void Files_of_other_exporters_survive_reading_and_writing(string file, int weights)
    {
        byte[] bytes = File.ReadAllBytes(Assets.PathOf("models", "onnx", file));

        ModelProto model = ModelProto.Parser.ParseFrom(bytes);

        Assert.NotEmpty(model.Graph.Node);
        Assert.All(model.Graph.Node, node => Assert.NotEmpty(node.OpType));
        Assert.Contains(model.Graph.Initializer, tensor => tensor.DataType == weights && tensor.Dims.Count == 4);
        Assert.Equal(bytes.Length, model.CalculateSize());
        Assert.True(bytes.AsSpan().SequenceEqual(model.ToByteArray()), "writing changed the bytes");
    }
}
