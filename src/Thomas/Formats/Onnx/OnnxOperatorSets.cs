using System;
using System.Collections.Generic;

namespace Thomas.Formats.Onnx;

/// <summary>
/// The operator sets of the standard domain. An operator keeps its meaning from the set that lists it to the next one that does; the reader follows all
/// versions that are listed here. Later sets than the newest are read as that one, with a note.
/// </summary>
internal static class OnnxOperatorSets
{
    /// <summary>The newest set whose operators are known.</summary>
    public const int Newest = 26;

    /// <summary>Above any set that can exist; larger numbers come from damaged files.</summary>
    public const int Largest = 1000;

    /// <summary>For each operator that is read, the sets that changed it.</summary>
    public static Dictionary<string, int[]> Versions { get; } = new(StringComparer.Ordinal)
    {
        ["Abs"] = [1, 6, 13],
        ["Add"] = [1, 6, 7, 13, 14],
        ["AveragePool"] = [1, 7, 10, 11, 19, 22],
        ["BatchNormalization"] = [1, 6, 7, 9, 14, 15],
        ["Cast"] = [1, 6, 9, 13, 19, 21, 23, 24, 25],
        ["Ceil"] = [1, 6, 13],
        ["Clip"] = [1, 6, 11, 12, 13],
        ["Concat"] = [1, 4, 11, 13],
        ["Constant"] = [1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
        ["ConstantOfShape"] = [9, 20, 21, 23, 24, 25],
        ["Conv"] = [1, 11, 22],
        ["DequantizeLinear"] = [10, 13, 19, 21, 23, 24, 25],
        ["Div"] = [1, 6, 7, 13, 14],
        ["Dropout"] = [1, 6, 7, 10, 12, 13, 22],
        ["Exp"] = [1, 6, 13],
        ["Expand"] = [8, 13],
        ["Flatten"] = [1, 9, 11, 13, 21, 23, 24, 25],
        ["Floor"] = [1, 6, 13],
        ["Gather"] = [1, 11, 13],
        ["Gemm"] = [1, 6, 7, 9, 11, 13],
        ["GlobalAveragePool"] = [1, 22],
        ["GlobalMaxPool"] = [1, 22],
        ["HardSigmoid"] = [1, 6, 22],
        ["HardSwish"] = [14, 22],
        ["Identity"] = [1, 13, 14, 16, 19, 21, 23, 24, 25],
        ["LRN"] = [1, 13],
        ["LeakyRelu"] = [1, 6, 16],
        ["Log"] = [1, 6, 13],
        ["LogSoftmax"] = [1, 11, 13],
        ["MatMul"] = [1, 9, 13],
        ["Max"] = [1, 6, 8, 12, 13],
        ["MaxPool"] = [1, 8, 10, 11, 12, 22],
        ["Mean"] = [1, 6, 8, 13],
        ["Min"] = [1, 6, 8, 12, 13],
        ["Mul"] = [1, 6, 7, 13, 14],
        ["Neg"] = [1, 6, 13],
        ["PRelu"] = [1, 6, 7, 9, 16],
        ["Pad"] = [1, 2, 11, 13, 18, 19, 21, 23, 24, 25],
        ["Pow"] = [1, 7, 12, 13, 15],
        ["QLinearConv"] = [10],
        ["QLinearMatMul"] = [10, 21],
        ["QuantizeLinear"] = [10, 13, 19, 21, 23, 24, 25],
        ["Range"] = [11],
        ["Reciprocal"] = [1, 6, 13],
        ["ReduceMax"] = [1, 11, 12, 13, 18, 20],
        ["ReduceMean"] = [1, 11, 13, 18],
        ["ReduceSum"] = [1, 11, 13],
        ["Relu"] = [1, 6, 13, 14],
        ["Reshape"] = [1, 5, 13, 14, 19, 21, 23, 24, 25],
        ["Round"] = [11, 22],
        ["Shape"] = [1, 13, 15, 19, 21, 23, 24, 25],
        ["Sigmoid"] = [1, 6, 13],
        ["Slice"] = [1, 10, 11, 13],
        ["Softmax"] = [1, 11, 13],
        ["Split"] = [1, 2, 11, 13, 18],
        ["Sqrt"] = [1, 6, 13],
        ["Squeeze"] = [1, 11, 13, 21, 23, 24, 25],
        ["Sub"] = [1, 6, 7, 13, 14],
        ["Sum"] = [1, 6, 8, 13],
        ["Tanh"] = [1, 6, 13],
        ["Transpose"] = [1, 13, 21, 23, 24, 25],
        ["Unsqueeze"] = [1, 11, 13, 21, 23, 24, 25],
    };
}
