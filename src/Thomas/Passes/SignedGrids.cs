using System;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// 8-bit networks with unsigned grids, as QDQ files have them, on the signed grids of .tflite files: each integer less 128, and each zero point. The real
/// numbers are the same.
/// </summary>
internal static class SignedGrids
{
    private const int Shift = byte.MaxValue - sbyte.MaxValue;

    /// <summary>Renames the grids of a network whose weights have their zero in the middle; others stay as they are.</summary>
    public static Graph Run(Graph graph)
    {
        if (!IsSymmetric(graph)) return graph;
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            foreach (Value input in node.Inputs)
            {
                if (input.Constant is { } data && Signed(data) is TensorData signed) rewriter.Set(input, rewriter.Builder.Constant(input.Name, signed));
            }

            if (node.Attributes is not FakeQuantizeAttributes grid || !IsUnsigned(grid))
            {
                rewriter.Copy(node);
                continue;
            }

            rewriter.Enter(node);
            FakeQuantizeAttributes attributes = grid with { Quantization = Shifted(grid.Quantization), Minimum = sbyte.MinValue, Maximum = sbyte.MaxValue };
            rewriter.Set(node.Output, rewriter.Builder.Add(node.Op, rewriter.MapInputs(node), attributes, node.Name));
        }

        return rewriter.Build();
    }

    /// <summary>Whether anything but the images is on an unsigned grid, and every weight is symmetric.</summary>
    private static bool IsSymmetric(Graph graph)
    {
        bool hasUnsigned = false;
        foreach (Node node in graph.Nodes)
        {
            if (node.Attributes is FakeQuantizeAttributes grid) hasUnsigned |= IsUnsigned(grid) && !node.Inputs[0].IsInput;
            if (!LinearNode.TryGet(node, out LinearNode layer) || layer.Weights.Constant is not { Quantization: Quantization weights } data) continue;
            if (weights.ZeroPoints.ContainsAnyExcept(0) && Signed(data)?.Quantization!.ZeroPoints.ContainsAnyExcept(0) != false) return false;
        }

        return hasUnsigned;
    }

    /// <summary>An unsigned constant as a signed one; null where it is none.</summary>
    private static TensorData? Signed(TensorData data)
    {
        if (data.Quantization is not Quantization grid || data.Type.DType != DType.F32) return null;
        if (data.Steps is { Type.DType: DType.I8 } || (data.Steps is null && grid.ZeroPoints.ContainsAnyExcept(Shift))) return null;
        if (GridIntegers.Of(data) is not int[] integers) return null;
        byte[] steps = new byte[integers.Length];
        for (int i = 0; i < steps.Length; i++)
        {
            if (integers[i] is < byte.MinValue or > byte.MaxValue) return null;
            steps[i] = (byte)(integers[i] - Shift);
        }

        return TensorData.FromSteps(new TensorData(data.Type with { DType = DType.I8 }, steps, Shifted(grid)));
    }

    private static Quantization Shifted(Quantization grid)
    {
        int[] zeros = grid.ZeroPoints.ToArray();
        for (int i = 0; i < zeros.Length; i++) zeros[i] -= Shift;
        return new Quantization(grid.Scales, zeros, grid.Axis);
    }

    private static bool IsUnsigned(FakeQuantizeAttributes grid) =>
        grid.Quantization.IsPerTensor && (grid.Minimum, grid.Maximum) == (byte.MinValue, byte.MaxValue)
        && grid.Quantization.ZeroPoints[0] is >= byte.MinValue and <= byte.MaxValue;
}
