using System;
using System.Collections.Generic;
using System.Linq;
using Google.Protobuf;
using Thomas.Tests.Formats.Onnx;

namespace Thomas.Tests.Harness;

/// <summary>
/// ONNX files of very many nodes, as a hostile or careless program would write them. A classifier of three classes stands at the end, so that they can be
/// trained.
/// </summary>
internal static class Chains
{
    private const int LongName = 500;

    private static readonly Dictionary<string, Func<OnnxFile, int, string>> Makers = new(StringComparer.Ordinal)
    {
        ["Neg"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Neg", [x], [y])),
        ["Relu"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Relu", [x], [y])),
        ["Identity"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Identity", [x], [y])),
        ["Softmax"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Softmax", [x], [y], ("axis", 1))),
        ["Long names"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Neg", [x], [y]), new string('n', LongName)),
        ["Add of the first"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Add", [x, "x"], [y])),
        ["Add of half way back"] = (file, n) => Chain(file, n, (x, y, i) => file.Node("Add", [x, i < 2 ? "x" : $"y{i / 2}"], [y])),
        ["Add of constants"] = (file, n) => Chain(file, n, (x, y, i) => file.Floats($"c{i}", [1], i % 7).Node("Add", [x, $"c{i}"], [y])),
        ["Add of a sum of constants"] = OfConstants,
        ["Transpose"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("Transpose", [x], [y], ("perm", new[] { 0, 1, 3, 2 }))),
        ["Transpose and Relu"] = (file, n) => Chain(
            file, n, (x, y, i) => _ = i % 2 == 0 ? file.Node("Transpose", [x], [y], ("perm", new[] { 0, 1, 3, 2 })) : file.Node("Relu", [x], [y])),
        ["Reshape"] = (file, n) => Chain(
            file.Longs("a", 0, 1, 4, 1).Longs("b", 0, 2, 1, 2), n, (x, y, i) => file.Node("Reshape", [x, i % 2 == 0 ? "a" : "b"], [y])),
        ["Conv"] = (file, n) => Chain(file, n, (x, y, i) => file.Floats($"w{i}", [1, 1, 1, 1], 1).Node("Conv", [x, $"w{i}"], [y])),
        ["Conv and Relu"] = (file, n) => Chain(
            file, n, (x, y, i) => _ = i % 2 == 0 ? file.Floats($"w{i}", [1, 1, 1, 1], 1).Node("Conv", [x, $"w{i}"], [y]) : file.Node("Relu", [x], [y])),
        ["BatchNormalization"] = (file, n) => Chain(file.Floats("one", [1], 1).Floats("zero", [1], 0), n, (x, y, i) =>
            file.Floats($"s{i}", [1], 1).Floats($"b{i}", [1], 0).Node("BatchNormalization", [x, $"s{i}", $"b{i}", "zero", "one"], [y])),
        ["MaxPool"] = (file, n) => Chain(file, n, (x, y, _) => file.Node("MaxPool", [x], [y], ("kernel_shape", new[] { 1, 1 }))),
        ["Pad and Slice"] = (file, n) => Chain(file.Longs("p", 0, 0, 1, 0, 0, 0, 0, 0).Longs("from", 1).Longs("to", 9).Longs("axis", 2), n, (x, y, i) =>
            _ = i % 2 == 0 ? file.Node("Pad", [x, "p"], [y]) : file.Node("Slice", [x, "from", "to", "axis"], [y])),
        ["Fan-out into one Concat"] = FanOut,
        ["Concat of one value"] = (file, n) => Mean(file.Node("Concat", [.. Enumerable.Repeat("x", n)], ["y"], ("axis", 1)), "y"),
    };

    public static IEnumerable<string> Names => Makers.Keys;

    /// <summary>A file with about so many nodes, or with one node of so many operands.</summary>
    public static byte[] Make(string name, int nodes)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 1, 2, 2);
        string last = Makers[name](file, nodes);
        file.Longs("flat", 0, 4).Node("Reshape", [last, "flat"], ["features"]);
        file.Floats("head", [4, 3], [.. TestGraphs.Noise(12, 1)]).Floats("bias", [3], 0, 0, 0).Node("Gemm", ["features", "head", "bias"], ["scores"])
            .Output("scores");
        return file.Proto.ToByteArray();
    }

    /// <summary>A file whose every node's result is handed out.</summary>
    public static byte[] ManyOutputs(int nodes)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 1, 2, 2);
        for (int i = 0; i < nodes; i++) file.Node("Neg", ["x"], [$"y{i}"]).Output($"y{i}");
        return file.Proto.ToByteArray();
    }

    /// <summary>A file of operators that nobody knows, each of another kind.</summary>
    public static byte[] Unknown(int nodes)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 1, 2, 2);
        string last = Chain(file, nodes, (x, y, i) => file.Node($"Unknown{i}", [x], [y]));
        return file.Output(last).Proto.ToByteArray();
    }

    private static string Chain(OnnxFile file, int nodes, Action<string, string, int> add, string prefix = "")
    {
        string last = "x";
        for (int i = 0; i < nodes; i++)
        {
            string next = $"{prefix}y{i}";
            add(last, next, i);
            last = next;
        }

        return last;
    }

    private static string OfConstants(OnnxFile file, int nodes)
    {
        file.Floats("c", [1, 1, 2, 2], 1, 2, 3, 4);
        string last = "c";
        for (int i = 0; i < nodes; i++)
        {
            file.Node("Neg", [last], [$"k{i}"]);
            last = $"k{i}";
        }

        file.Node("Add", ["x", last], ["sum"]);
        return "sum";
    }

    private static string FanOut(OnnxFile file, int nodes)
    {
        string[] results = new string[nodes];
        for (int i = 0; i < nodes; i++)
        {
            results[i] = $"y{i}";
            file.Floats($"w{i}", [1, 1, 1, 1], 1).Node("Conv", ["x", $"w{i}"], [results[i]]);
        }

        return Mean(file.Node("Concat", results, ["y"], ("axis", 1)), "y");
    }

    private static string Mean(OnnxFile file, string of)
    {
        file.Node("ReduceMean", [of], ["mean"], ("axes", new[] { 1 }));
        return "mean";
    }
}
