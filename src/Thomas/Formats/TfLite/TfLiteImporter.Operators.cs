using System;
using System.Collections.Generic;
using Thomas.Formats.TfLite.Schema;
using Thomas.Ops;
using static Thomas.Formats.TfLite.Schema.BuiltinOperator;

namespace Thomas.Formats.TfLite;

/// <content>The operators that are read, one line each; <see cref="TfLiteActivations"/> has those that are activations.</content>
internal sealed partial class TfLiteImporter
{
    private static readonly Dictionary<BuiltinOperator, Action<TfLiteImporter, OperatorCall>> Imports = new(TfLiteActivations.Imports)
    {
        [CONV_2D] = static (importer, call) => importer.ImportConv2d(call),
        [DEPTHWISE_CONV_2D] = static (importer, call) => importer.ImportDepthwiseConv2d(call),
        [TRANSPOSE_CONV] = static (importer, call) => importer.ImportTransposeConv(call),
        [FULLY_CONNECTED] = static (importer, call) => importer.ImportFullyConnected(call),
        [BATCH_MATMUL] = static (importer, call) => importer.ImportBatchMatMul(call),
        [AVERAGE_POOL_2D] = static (importer, call) => importer.ImportAveragePool(call),
        [MAX_POOL_2D] = static (importer, call) => importer.ImportMaxPool(call),

        [ADD] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Add),
        [SUB] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Subtract),
        [MUL] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Multiply),
        [DIV] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Divide),
        [MAXIMUM] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Maximum, canFuse: false),
        [MINIMUM] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Minimum, canFuse: false),
        [POW] = static (importer, call) => importer.ImportBinary(call, OpCatalog.Power, canFuse: false),
        [PRELU] = static (importer, call) => importer.ImportBinary(call, OpCatalog.PRelu, canFuse: false),
        [SQUARED_DIFFERENCE] = static (importer, call) => importer.ImportSquaredDifference(call),

        [ELU] = static (importer, call) => importer.ImportElu(call),
        [GELU] = static (importer, call) => importer.ImportGelu(call),

        [EXP] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Exp),
        [LOG] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Log),
        [SQRT] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Sqrt),
        [RSQRT] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Rsqrt),
        [NEG] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Negate),
        [ABS] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Abs),
        [SIGN] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Sign),
        [ROUND] = static (importer, call) => importer.ImportUnary(call, OpCatalog.Round),
        [SQUARE] = static (importer, call) => importer.ImportSquare(call),

        [SOFTMAX] = static (importer, call) => importer.ImportSoftmax(call),
        [LOG_SOFTMAX] = static (importer, call) => importer.ImportLogSoftmax(call),
        [LOCAL_RESPONSE_NORMALIZATION] = static (importer, call) => importer.ImportLocalResponseNorm(call),
        [L2_NORMALIZATION] = static (importer, call) => importer.ImportL2Norm(call),
        [MEAN] = static (importer, call) => importer.ImportReduce(call, ReduceKind.Mean),
        [SUM] = static (importer, call) => importer.ImportReduce(call, ReduceKind.Sum),
        [REDUCE_MAX] = static (importer, call) => importer.ImportReduce(call, ReduceKind.Max),
        [REDUCE_MIN] = static (importer, call) => importer.ImportReduceMin(call),
        [ADD_N] = static (importer, call) => importer.ImportAddN(call),

        [PAD] = static (importer, call) => importer.ImportPad(call),
        [PADV2] = static (importer, call) => importer.ImportPad(call),
        [CONCATENATION] = static (importer, call) => importer.ImportConcat(call),
        [RESHAPE] = static (importer, call) => importer.ImportReshape(call),
        [SQUEEZE] = static (importer, call) => importer.ImportSqueeze(call),
        [EXPAND_DIMS] = static (importer, call) => importer.ImportExpandDims(call),
        [TRANSPOSE] = static (importer, call) => importer.ImportTranspose(call),
        [SLICE] = static (importer, call) => importer.ImportSlice(call),
        [STRIDED_SLICE] = static (importer, call) => importer.ImportStridedSlice(call),
        [SPLIT] = static (importer, call) => importer.ImportSplit(call),
        [SPLIT_V] = static (importer, call) => importer.ImportSplitV(call),
        [PACK] = static (importer, call) => importer.ImportPack(call),
        [UNPACK] = static (importer, call) => importer.ImportUnpack(call),
        [GATHER] = static (importer, call) => importer.ImportGather(call),
        [BROADCAST_TO] = static (importer, call) => importer.ImportBroadcastTo(call),
        [TILE] = static (importer, call) => importer.ImportTile(call),
        [MIRROR_PAD] = static (importer, call) => importer.ImportMirrorPad(call),
        [DEPTH_TO_SPACE] = static (importer, call) => importer.ImportDepthToSpace(call, back: true),
        [SPACE_TO_DEPTH] = static (importer, call) => importer.ImportDepthToSpace(call, back: false),
        [RESIZE_NEAREST_NEIGHBOR] = static (importer, call) => importer.ImportResize(call),
        [RESIZE_BILINEAR] = static (importer, call) => importer.ImportResize(call),
        [SPACE_TO_BATCH_ND] = static (importer, call) => importer.ImportSpaceToBatch(call),
        [BATCH_TO_SPACE_ND] = static (importer, call) => importer.ImportBatchToSpace(call),

        // Only at the end of a graph: IsDecision.
        [ARG_MAX] = static (_, call) => throw Unsupported(call, SizesOnly),
        [ARG_MIN] = static (_, call) => throw Unsupported(call, SizesOnly),
        [TOPK_V2] = static (_, call) => throw Unsupported(call, SizesOnly),

        [DENSIFY] = static (importer, call) => importer._values[call.Outputs[0]] = importer.Operand(call, 0),
        [DEQUANTIZE] = static (importer, call) => importer.ImportConversion(call),
        [QUANTIZE] = static (importer, call) => importer.ImportConversion(call),
        [CAST] = static (importer, call) => importer.ImportConversion(call),

        // Only on sizes known while reading: EvaluateIntegers.
        [SHAPE] = static (_, call) => throw Unsupported(call, SizesOnly),
        [REDUCE_PROD] = static (_, call) => throw Unsupported(call, SizesOnly),
    };

    private const string SizesOnly = "numbers of the network (it is read for sizes only)";
}
