using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Small nodes that are like a given one: its operator and settings, its operands' ranks, and sizes that are multiples of 4 where its own are, since kernels
/// are chosen by that. From small to large, because some kernels are only chosen where there is much to do.
/// </summary>
internal static class OpenClTestCases
{
    // Batch, sides of images, channels and sizes of matrices. Sizes between multiples of 4 are odd.
    private static readonly (int Batch, int Side, int Size)[] Levels =
    [
        (1, 7, 12), (3, 9, 20), (3, 15, 36), (3, 23, 72), (1, 5, 136), (2, 31, 136), (3, 33, 264), (4, 57, 136), (2, 65, 520), (1, 9, 1032), (4, 113, 40),
    ];

    private const int MostGroups = 3;

    /// <summary>The nodes, smallest first, then the given one itself.</summary>
    public static IEnumerable<Node> Of(Node node)
    {
        foreach ((int batch, int side, int size) in Levels)
        {
            if (Shrink(node, batch, side, size) is Node small) yield return small;
        }

        if (Build(node, node.Attributes, [.. Shapes(node)]) is Node same) yield return same;
    }

    private static Node? Shrink(Node node, int batch, int side, int size)
    {
        Shape x = node.Inputs[0].Shape;
        int images = x.Rank == 4 ? Math.Min(x[0], batch) : 0;
        switch (node.Attributes)
        {
            case Conv2dAttributes a:
                {
                    (int groups, int inputs, int outputs) = Channels(node.Inputs[1].Shape, a.Groups, size);
                    Shape small = Image(a.Window, images, x[1], x[2], side, groups * inputs);
                    List<Shape> shapes = [small, Filter(a.Window, groups * outputs, inputs)];
                    if (a.HasBias) shapes.Add(new Shape(groups * outputs));
                    if (a.HasResidual) shapes.Add(Output(a.Window, small, groups * outputs));
                    return Build(node, a with { Groups = groups }, [.. shapes]);
                }

            case DepthwiseConv2dAttributes a:
                {
                    int channels = Fit(x[3], size), outputs = channels * (node.Inputs[1].Shape[3] / x[3]);
                    List<Shape> shapes = [Image(a.Window, images, x[1], x[2], side, channels), Filter(a.Window, 1, outputs)];
                    if (a.HasBias) shapes.Add(new Shape(outputs));
                    return Build(node, a, [.. shapes]);
                }

            case InvertedResidualAttributes a: return ShrinkBlock(node, a, images, side, size);
            case Conv2dGradientAttributes a: return ShrinkGradient(node, a, images, side, size);
            case DepthwiseConv2dGradientAttributes a:
                {
                    Shape small = Image(a.Window, images, x[1], x[2], side, Fit(x[3], size));
                    return Build(
                        node, a with { InputH = small[1], InputW = small[2] },
                        [small, Output(a.Window, small, small[3]), Filter(a.Window, 1, small[3])]);
                }

            case MaxPool2dAttributes a:
                {
                    Shape small = Image(a.Window, images, x[1], x[2], side, Fit(x[3], size)), y = Output(a.Window, small, small[3]);
                    return Build(node, a, node.Inputs.Count == 1 ? [small] : [small, y, y]);
                }

            case AveragePool2dAttributes a: return Build(node, a, [Image(a.Window, images, x[1], x[2], side, Fit(x[3], size))]);
            case AveragePool2dGradientAttributes a:
                {
                    Shape small = Image(a.Window, images, a.InputH, a.InputW, side, Fit(x[3], size));
                    return Build(node, a with { InputH = small[1], InputW = small[2] }, [Output(a.Window, small, small[3])]);
                }

            case ReshapeAttributes: return Build(node, new ReshapeAttributes(new IntList(37, 3)), [new Shape(3, 37)]);
            case SliceAttributes a: return ShrinkSlice(node, a, size);
            case SliceGradientAttributes a: return ShrinkSliceGradient(node, a, size);
            case FakeQuantizeAttributes a when a.Quantization.Scales.Length > 1: return null;
            default: return ShrinkSizes(node, side, size);
        }
    }

    private static Node? ShrinkBlock(Node node, InvertedResidualAttributes a, int images, int side, int size)
    {
        Shape x = node.Inputs[0].Shape;
        int hidden = Fit(node.Inputs[a.DepthwiseFilter].Shape[3], size), outputs = Fit(node.Output.Shape[3], size);
        Shape small = Image(a.Depthwise.Window, images, x[1], x[2], side, a.Expand is null ? hidden : Fit(x[3], size));
        List<Shape> shapes = [small];
        if (a.Expand is not null) Add(new Shape(hidden, 1, 1, small[3]), a.Expand.HasBias, hidden);
        Add(Filter(a.Depthwise.Window, 1, hidden), a.Depthwise.HasBias, hidden);
        if (a.Project is not null) Add(new Shape(outputs, 1, 1, hidden), a.Project.HasBias, outputs);
        if (a.Project?.HasResidual == true) shapes.Add(Output(a.Depthwise.Window, small, outputs));
        return Build(node, a, [.. shapes]);

        void Add(Shape filter, bool hasBias, int channels)
        {
            shapes.Add(filter);
            if (hasBias) shapes.Add(new Shape(channels));
        }
    }

    /// <summary>Both gradients of a convolution, and its transpose.</summary>
    private static Node? ShrinkGradient(Node node, Conv2dGradientAttributes a, int images, int side, int size)
    {
        bool isDepthwise = node.Op is DepthwiseConv2dInputGradient or DepthwiseConv2dFilterGradient;
        bool isFilters = node.Op is Conv2dFilterGradient or DepthwiseConv2dFilterGradient;
        Shape filter = isFilters ? node.Output.Shape : node.Inputs[1].Shape;
        (int groups, int inputs, int outputs) = isDepthwise ? Depthwise() : Channels(filter, a.Groups, size);
        Shape x = Image(a.Window, images, a.InputH, a.InputW, side, groups * inputs), dy = Output(a.Window, x, groups * outputs);
        Shape small = isDepthwise ? Filter(a.Window, 1, groups * outputs) : Filter(a.Window, groups * outputs, inputs);
        return Build(node, a with { InputH = x[1], InputW = x[2], Groups = groups }, isFilters ? [x, dy] : [dy, small]);

        (int Groups, int Inputs, int Outputs) Depthwise() => (Fit(a.Groups, size), 1, filter[3] / a.Groups);
    }

    private static Node? ShrinkSlice(Node node, SliceAttributes a, int size)
    {
        Shape x = node.Inputs[0].Shape, y = node.Output.Shape;
        int[] dims = new int[x.Rank], begin = new int[x.Rank], sizes = new int[x.Rank];
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = Fit(x[i], size);
            bool isWhole = y[i] == x[i];
            begin[i] = isWhole ? 0 : Math.Min(a.Begin[i], dims[i] / 2);
            sizes[i] = (dims[i] - begin[i] + a.Step[i] - 1) / a.Step[i];
        }

        return Build(node, a with { Begin = new IntList(begin), Size = new IntList(sizes) }, [new Shape(dims)]);
    }

    private static Node? ShrinkSliceGradient(Node node, SliceGradientAttributes a, int size)
    {
        Shape dy = node.Inputs[0].Shape;
        int[] dims = new int[dy.Rank], begin = new int[dy.Rank], sizes = new int[dy.Rank];
        for (int i = 0; i < dims.Length; i++)
        {
            dims[i] = Fit(a.Dims[i], size);
            begin[i] = a.Dims[i] == dy[i] ? 0 : Math.Min(a.Begin[i], dims[i] / 2);
            sizes[i] = (dims[i] - begin[i] + a.Step[i] - 1) / a.Step[i];
        }

        return Build(node, a with { Begin = new IntList(begin), Dims = new IntList(dims) }, [new Shape(sizes)]);
    }

    /// <summary>The same with every size replaced, equal ones by equal ones: those of last axes as channels, others as sides of images.</summary>
    private static Node? ShrinkSizes(Node node, int side, int size)
    {
        HashSet<int> last = [];
        foreach (Value input in node.Inputs)
        {
            if (input.Shape.Rank > 0) last.Add(input.Shape[-1]);
        }

        int Replace(int value) => value < 0 ? value : Fit(value, last.Contains(value) || node.Inputs[0].Shape.Rank < 4 ? size : side);
        int[] Replaced(IReadOnlyList<int> dims)
        {
            int[] replaced = new int[dims.Count];
            for (int i = 0; i < replaced.Length; i++) replaced[i] = Replace(dims[i]);
            return replaced;
        }

        List<Shape> shapes = [];
        foreach (Value input in node.Inputs) shapes.Add(new Shape(Replaced(input.Shape.Dims.ToArray())));
        if (node.Attributes is not BroadcastToAttributes broadcast) return Build(node, node.Attributes, [.. shapes]);
        int[] target = new int[broadcast.Dims.Count];
        for (int i = 0; i < target.Length; i++) target[i] = Replace(broadcast.Dims[i]);
        return Build(node, new BroadcastToAttributes(new IntList(target)), [.. shapes]);
    }

    /// <summary>Groups and the channels of each.</summary>
    private static (int Groups, int Inputs, int Outputs) Channels(Shape filter, int groups, int size) =>
        (Math.Min(groups, MostGroups), Fit(filter[3], size), Fit(filter[0] / groups, size));

    private static Shape Filter(Window2d window, int outputs, int inputs) => new(outputs, window.KernelH, window.KernelW, inputs);

    /// <summary>An image that the window fits into; its sides are odd where they are smaller than those given.</summary>
    private static Shape Image(Window2d window, int images, int h, int w, int side, int channels) => new(
        images, Math.Min(h, Math.Max(side, window.ExtentH)), Math.Min(w, Math.Max(side - 2, window.ExtentW)), channels);

    private static Shape Output(Window2d window, Shape x, int channels) => new(x[0], window.OutputH(x[1]), window.OutputW(x[2]), channels);

    private static int Fit(int value, int most) => value <= most ? value : value % 4 == 0 ? most / 4 * 4 : (most / 4 * 4) + 1;

    private static IEnumerable<Shape> Shapes(Node node)
    {
        foreach (Value input in node.Inputs) yield return input.Shape;
    }

    /// <summary>A node with the operands' kinds and types of the given one; null if it cannot be.</summary>
    private static Node? Build(Node node, OpAttributes attributes, Shape[] shapes)
    {
        GraphBuilder builder = new();
        Value[] values = new Value[shapes.Length];
        try
        {
            for (int i = 0; i < values.Length; i++)
            {
                // Constants of 16 bits are widened before kernels see them.
                Value input = node.Inputs[i];
                bool isWidened = input.IsConstant && input.Type.DType.IsHalf() && node.Op is not (Cast or Reshape);
                TensorType type = new(isWidened ? DType.F32 : input.Type.DType, shapes[i]);
                if (type.Shape.ElementCount > MostElements) return null;
                values[i] = input.IsConstant ? builder.Constant($"c{i}", new TensorData(type, new byte[type.SizeBytes])) : builder.Input($"x{i}", type);
            }

            return builder.AddNode(node.Op, values, attributes);
        }
        catch (GraphException)
        {
            return null;
        }
    }

    private const int MostElements = 1 << 20;
}
