using System;
using System.Collections.Generic;
using Thomas.Formats.TfLite.Schema;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Formats.TfLite;

/// <summary>What TFLite's interpreter asks of a file before it runs it, checked on the bytes.</summary>
internal static class TfLiteFileChecks
{
    private const int BufferAlignment = 16;

    private static readonly Dictionary<BuiltinOperator, BuiltinOptions> RequiredOptions = new()
    {
        [BuiltinOperator.CONV_2D] = BuiltinOptions.Conv2D,
        [BuiltinOperator.DEPTHWISE_CONV_2D] = BuiltinOptions.DepthwiseConv2D,
        [BuiltinOperator.FULLY_CONNECTED] = BuiltinOptions.FullyConnected,
        [BuiltinOperator.MAX_POOL_2D] = BuiltinOptions.Pool2D,
        [BuiltinOperator.AVERAGE_POOL_2D] = BuiltinOptions.Pool2D,
        [BuiltinOperator.SOFTMAX] = BuiltinOptions.Softmax,
        [BuiltinOperator.CONCATENATION] = BuiltinOptions.Concatenation,
        [BuiltinOperator.ADD] = BuiltinOptions.Add,
        [BuiltinOperator.SUB] = BuiltinOptions.Sub,
        [BuiltinOperator.MUL] = BuiltinOptions.Mul,
        [BuiltinOperator.DIV] = BuiltinOptions.Div,
        [BuiltinOperator.RESHAPE] = BuiltinOptions.Reshape,
        [BuiltinOperator.MEAN] = BuiltinOptions.Reducer,
        [BuiltinOperator.SUM] = BuiltinOptions.Reducer,
        [BuiltinOperator.REDUCE_MAX] = BuiltinOptions.Reducer,
        [BuiltinOperator.STRIDED_SLICE] = BuiltinOptions.StridedSlice,
        [BuiltinOperator.LEAKY_RELU] = BuiltinOptions.LeakyRelu,
        [BuiltinOperator.LOCAL_RESPONSE_NORMALIZATION] = BuiltinOptions.LocalResponseNormalization,
    };

    public static void Check(byte[] bytes)
    {
        FlatFile file = new(bytes, "file");
        ModelTable model = new(file.Root("model"));
        Assert.Equal(3, model.Version);
        Assert.Equal(1, model.Subgraphs.Count);
        Assert.Equal(0, new BufferTable(model.Buffers[0]).Data.Length);
        CheckBuffers(bytes, model.Buffers);
        SubgraphTable graph = new(model.Subgraphs[0]);
        HashSet<string> names = [];
        bool[] isReady = new bool[graph.Tensors.Count];
        for (int i = 0; i < graph.Tensors.Count; i++) isReady[i] = CheckTensor(new TensorTable(graph.Tensors[i]), model.Buffers, names);
        foreach (int input in graph.Inputs) isReady[input] = true;
        for (int i = 0; i < graph.Operators.Count; i++) CheckOperator(graph, i, model.OperatorCodes, isReady);
        foreach (int output in graph.Outputs) Assert.True(isReady[output]);
    }

    private static void CheckBuffers(byte[] bytes, FlatTables buffers)
    {
        for (int i = 1; i < buffers.Count; i++)
        {
            ReadOnlyMemory<byte> data = new BufferTable(buffers[i]).Data;
            if (data.Length > 0)
            {
                Assert.Equal(
                    0, System.Runtime.InteropServices.MemoryMarshal.TryGetArray(data, out ArraySegment<byte> part) && part.Array == bytes
                    ? part.Offset % BufferAlignment
                    : -1);
            }
        }
    }

    /// <summary>Returns whether the tensor is a constant.</summary>
    private static bool CheckTensor(TensorTable tensor, FlatTables buffers, HashSet<string> names)
    {
        Expect.True(names.Add(tensor.Name!), $"two tensors are named {tensor.Name}");
        Assert.True(tensor.Type is TfLiteType.FLOAT32 or TfLiteType.INT32 or TfLiteType.INT8 or TfLiteType.UINT8 or TfLiteType.INT16);
        Assert.Equal(tensor.Type is TfLiteType.FLOAT32 or TfLiteType.INT32 ? 0 : 1, Math.Sign(tensor.Quantization.Scales.Length));
        long bytes = tensor.Type is TfLiteType.FLOAT32 or TfLiteType.INT32 ? 4 : 1;
        foreach (int size in tensor.Shape) bytes *= size;
        int held = new BufferTable(buffers[(int)tensor.Buffer]).Data.Length;
        Expect.True(tensor.Buffer == 0 || held == bytes, $"{tensor.Name} takes {bytes} bytes, its buffer holds {held}");
        return tensor.Buffer != 0;
    }

    private static void CheckOperator(SubgraphTable graph, int index, FlatTables codes, bool[] isReady)
    {
        FlatTable table = graph.Operators[index];
        OperatorTable call = new(table);
        FlatTable code = codes[(int)call.CodeIndex];
        BuiltinOperator builtin = new OperatorCodeTable(code).Code;
        Assert.Equal(Math.Min((int)builtin, 127), code.Byte(0));
        Assert.True(code.Int(2, 1) >= 1);
        BuiltinOptions options = (BuiltinOptions)table.Byte(3);
        Assert.Equal(options != BuiltinOptions.None, call.Options.IsPresent);
        if (RequiredOptions.TryGetValue(builtin, out BuiltinOptions required)) Assert.Equal(required, options);
        foreach (int input in call.Inputs) Expect.True(isReady[input], $"operator {index} ({builtin}) reads tensor {input} too early");
        foreach (int output in call.Outputs)
        {
            Assert.False(isReady[output]);
            isReady[output] = true;
        }
    }
}
