using System;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators with weights, windows or statistics.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>The longest side of a result; far above any image.</summary>
    private const int MaximumSide = 1 << 20;

    private static readonly IntList OihwToOhwi = new(0, 2, 3, 1);
    private static readonly IntList DepthwiseToHwc = new(1, 2, 3, 0);
    private static readonly IntList Swap = new(1, 0);

    private Operand Convolution(OnnxNode node, Operand x, Operand filter, Operand? bias)
    {
        if (x.Rank == 3 && filter.Rank == 3) return ConvolutionOverOneAxis(node, x, filter, bias);
        if (x.Rank != 4 || filter.Rank != 4)
        {
            throw node.Unsupported(
                x.Rank == filter.Rank ? $"over {x.Rank - 2} spatial axes" : "an input and a filter of different ranks", $"{x.Shape} and {filter.Shape}");
        }

        int groups = node.ToInt(node.Int("group", 1));
        if (groups < 1 || filter.Shape[0] % groups != 0) throw node.Fail($"{filter.Shape[0]} output channels do not divide into {groups} groups");
        CheckKernelShape(node, filter.Shape);
        Window2d window = Window(node, x.Shape, filter.Shape[2], filter.Shape[3]);
        bool depthwise = groups > 1 && groups == x.Shape[1] && filter.Shape[1] == 1;
        Operand weights = Permuted(node, filter, "a filter", depthwise ? DepthwiseToHwc : OihwToOhwi);
        Operand[] others = bias is null ? [weights] : [weights, bias];
        return depthwise
            ? ApplyChannelsLast(node, OpCatalog.DepthwiseConv2d, x, others, new DepthwiseConv2dAttributes(window, bias is not null))
            : ApplyChannelsLast(node, OpCatalog.Conv2d, x, others, new Conv2dAttributes(window, groups, bias is not null));
    }

    /// <summary>A convolution along a line, as attention over channels has it: one over images of one row.</summary>
    private Operand ConvolutionOverOneAxis(OnnxNode node, Operand x, Operand filter, Operand? bias)
    {
        OnnxNode flat = node.Flat("convolved");
        Operand row = ReshapeTo(node, x, [x.Shape[0], x.Shape[1], 1, x.Shape[2]], $"{node.Name}/row");
        Operand rows = new(filter.Name, RequireStored(node, filter, "a filter").Reshaped(new Shape(filter.Shape[0], filter.Shape[1], 1, filter.Shape[2])));
        Operand result = Convolution(flat, row, rows, bias);
        return ReshapeTo(node, result, [result.Shape[0], result.Shape[1], result.Shape[3]], node.Name);
    }

    private Operand TransposedConvolution(OnnxNode node, Operand x, Operand filter, Operand? bias)
    {
        if (x.Rank != 4 || filter.Rank != 4)
        {
            throw node.Unsupported(
                x.Rank == filter.Rank ? $"over {x.Rank - 2} spatial axes" : "an input and a filter of different ranks", $"{x.Shape} and {filter.Shape}");
        }

        int groups = node.ToInt(node.Int("group", 1));
        if (groups < 1 || filter.Shape[0] != x.Shape[1] || x.Shape[1] % groups != 0)
        {
            throw node.Fail($"the filter {filter.Shape} in {groups} groups does not fit {x.Shape}");
        }

        CheckKernelShape(node, filter.Shape);
        (Window2d window, int height, int width) = TransposedWindow(node, x.Shape, filter.Shape[2], filter.Shape[3]);
        Operand weights = Permuted(node, filter, "a filter", OihwToOhwi);
        Conv2dGradientAttributes attributes = new(window, height, width, groups);
        if (bias is null) return ApplyChannelsLast(node, OpCatalog.ConvTranspose2d, x, [weights], attributes);
        return Apply(node, OpCatalog.Add, [ApplyChannelsLast(node.Inner(Sum), OpCatalog.ConvTranspose2d, x, [weights], attributes), PerChannel(node, bias, 4)]);
    }

    /// <summary>
    /// The window of the convolution that is turned around, and the size of the result: (size - 1) * stride + extent + output_padding - pads, or what
    /// output_shape says.
    /// </summary>
    private static (Window2d Window, int Height, int Width) TransposedWindow(OnnxNode node, Shape x, int kernelH, int kernelW)
    {
        int[] strides = node.Geometry("strides", 2, 1, 1), dilations = node.Geometry("dilations", 2, 1, 1), more = node.Geometry("output_padding", 2, 0, 0),
            pads = node.Geometry("pads", 4, 0, 0);
        int[]? wanted = node.Has("output_shape") ? node.Geometry("output_shape", node.Ints("output_shape")!.Length == 4 ? 4 : 2, 1, 1)[^2..] : null;
        string mode = node.Text("auto_pad", "NOTSET");
        int[] size = new int[2], kernel = [kernelH, kernelW];
        for (int i = 0; i < 2; i++)
        {
            long full = ((x[2 + i] - 1L) * strides[i]) + ((kernel[i] - 1L) * dilations[i]) + 1 + more[i];
            long target = wanted?[i]
                ?? (mode.StartsWith("SAME", StringComparison.Ordinal) ? (long)x[2 + i] * strides[i] : mode == "VALID" ? full : full - pads[i] - pads[2 + i]);
            if (target is < 1 or > MaximumSide) throw node.Fail($"asks for size {target}");
            size[i] = (int)target;
            long cut = full - target;
            if (mode == "VALID") (pads[i], pads[2 + i]) = (0, 0);
            else if (wanted is not null || mode.StartsWith("SAME", StringComparison.Ordinal))
            {
                if (cut < 0) throw node.Unsupported("with a result larger than its windows cover");
                pads[i] = (int)(mode == "SAME_UPPER" ? cut / 2 : cut - (cut / 2));
                pads[2 + i] = (int)cut - pads[i];
            }
        }

        CheckExtent(node, kernelH, kernelW, dilations);
        Window2d window = new(kernelH, kernelW, strides[0], strides[1], dilations[0], dilations[1], new Padding2d(pads[0], pads[1], pads[2], pads[3]));
        if (more[0] >= strides[0] || more[1] >= strides[1]) throw node.Unsupported("with an output_padding that is not below the stride");
        return (window, size[0], size[1]);
    }

    private static void CheckKernelShape(OnnxNode node, Shape filter)
    {
        if (!node.Has("kernel_shape")) return;
        int[] kernel = node.Geometry("kernel_shape", 2, 1, 1);
        if (kernel[0] != filter[2] || kernel[1] != filter[3]) throw node.Fail($"kernel_shape is {kernel[0]}x{kernel[1]}, the filter {filter}");
    }

    /// <summary>Strides, dilations and pads of a window over an NCHW shape.</summary>
    private static Window2d Window(OnnxNode node, Shape x, int kernelH, int kernelW)
    {
        int[] strides = node.Geometry("strides", 2, 1, 1), dilations = node.Geometry("dilations", 2, 1, 1);
        int[] pads = node.Geometry("pads", 4, 0, 0);
        Window2d window = new(kernelH, kernelW, strides[0], strides[1], dilations[0], dilations[1], new Padding2d(pads[0], pads[1], pads[2], pads[3]));
        CheckExtent(node, kernelH, kernelW, dilations);
        switch (node.Text("auto_pad", "NOTSET"))
        {
            case "NOTSET" or "":
                return window;
            case "VALID":
                return window with { Padding = Padding2d.None };
            case "SAME_UPPER":
                return window with { Padding = Window2d.Same(x[2], x[3], window.ExtentH, window.ExtentW, strides[0], strides[1]) };
            case "SAME_LOWER":
                Padding2d same = Window2d.Same(x[2], x[3], window.ExtentH, window.ExtentW, strides[0], strides[1]);
                return window with { Padding = new Padding2d(same.Bottom, same.Right, same.Top, same.Left) };
            default:
                throw node.Fail($"auto_pad is '{node.Text("auto_pad", "")}'");
        }
    }

    private static void CheckExtent(OnnxNode node, int kernelH, int kernelW, int[] dilations)
    {
        if ((long)kernelH * dilations[0] > int.MaxValue / 4 || (long)kernelW * dilations[1] > int.MaxValue / 4)
        {
            throw node.Fail($"a window of {kernelH}x{kernelW} with dilation {dilations[0]}x{dilations[1]} fits no input");
        }
    }

    private Operand MaxPool(OnnxNode node)
    {
        Operand x = node.Input(0);
        if (x.Rank is 3 or 5) return PoolAsImage(node, x, static (i, n, y) => i.MaxPool(n, y));
        return MaxPool(node, x);
    }

    private Operand MaxPool(OnnxNode node, Operand x)
    {
        (Window2d window, _) = PoolWindow(node, x);
        return ApplyChannelsLast(node, OpCatalog.MaxPool2d, x, [], new MaxPool2dAttributes(window), keepsGrid: true);
    }

    /// <summary>
    /// A pool over one axis as one over an image of one row, and a pool over three axes that pools along the first alone (as PyTorch's LocalResponseNorm does
    /// over channels) as one over an image of as many rows.
    /// </summary>
    private Operand PoolAsImage(OnnxNode node, Operand x, Func<OnnxImporter, OnnxNode, Operand, Operand> pool)
    {
        bool isLine = x.Rank == 3;
        OnnxNode flat = isLine ? node.Flat("pooled") : node.FirstAxis("pooled") ?? throw node.Unsupported("over 3 spatial axes");
        int[] dims = isLine ? [x.Shape[0], x.Shape[1], 1, x.Shape[2]] : [x.Shape[0], x.Shape[1], x.Shape[2], x.Shape[3] * x.Shape[4]];
        Operand result = pool(this, flat, ReshapeTo(node, x, dims, $"{node.Name}/image"));
        return ReshapeTo(node, result, isLine ? [dims[0], dims[1], result.Shape[3]] : [dims[0], dims[1], result.Shape[2], x.Shape[3], x.Shape[4]], node.Name);
    }

    private Operand AveragePool(OnnxNode node, Operand x)
    {
        if (x.Rank is 3 or 5) return PoolAsImage(node, x, static (i, n, y) => i.AveragePool(n, y));
        (Window2d window, Padding2d declared) = PoolWindow(node, x);
        bool countPadding = node.Int("count_include_pad", 0) != 0;
        if (!countPadding || window.Padding == declared)
        {
            return ApplyChannelsLast(node, OpCatalog.AveragePool2d, x, [], new AveragePool2dAttributes(window, countPadding));
        }

        // Declared padding counts, what ceil_mode adds beyond it does not: make the first real.
        PadAttributes pad = new(new IntList(0, 0, declared.Top, declared.Left), new IntList(0, 0, declared.Bottom, declared.Right));
        Operand padded = Apply(node, OpCatalog.Pad, [x], pad, $"{node.Name}/pad");
        Padding2d extra = new(0, 0, Math.Max(0, window.Padding.Bottom - declared.Bottom), Math.Max(0, window.Padding.Right - declared.Right));
        return ApplyChannelsLast(node, OpCatalog.AveragePool2d, padded, [], new AveragePool2dAttributes(window with { Padding = extra }));
    }

    /// <summary>The window of a pool with ceil_mode as padding at the end, and the padding that the file declares.</summary>
    private static (Window2d Window, Padding2d Declared) PoolWindow(OnnxNode node, Operand x)
    {
        if (x.Rank != 4) throw node.Unsupported($"over {x.Rank - 2} spatial axes");
        if (!node.Has("kernel_shape")) throw node.Fail("kernel_shape is missing");
        int[] kernel = node.Geometry("kernel_shape", 2, 1, 1);
        Window2d window = Window(node, x.Shape, kernel[0], kernel[1]);
        Padding2d declared = window.Padding;
        if (node.Int("ceil_mode", 0) == 0) return (window, declared);
        int bottom = CeilPadding(x.Shape[2], declared.Top, declared.Bottom, window.ExtentH, window.StrideH);
        int right = CeilPadding(x.Shape[3], declared.Left, declared.Right, window.ExtentW, window.StrideW);
        return (window with { Padding = declared with { Bottom = bottom, Right = right } }, declared);
    }

    /// <summary>
    /// End padding with which the rounded-down count of windows is the rounded-up one; a window that would start in the end padding is left out.
    /// </summary>
    private static int CeilPadding(int size, int begin, int end, int extent, int stride)
    {
        int room = size + begin + end - extent;
        if (room < 0) return end;
        int count = ((room + stride - 1) / stride) + 1;
        if ((count - 1) * stride >= size + begin) count--;
        return Math.Max(end, ((count - 1) * stride) + extent - size - begin);
    }

    private Operand GlobalPool(OnnxNode node, Operand x, ReduceKind kind)
    {
        if (x.Rank < 3) throw node.Fail($"operand of shape {x.Shape} has no spatial axes");
        int[] axes = new int[x.Rank - 2];
        for (int i = 0; i < axes.Length; i++) axes[i] = i + 1;
        return ApplyChannelsLast(node, OpCatalog.Reduce, x, [], new ReduceAttributes(kind, new IntList(axes), KeepDims: true));
    }

    private Operand BatchNormalization(OnnxNode node)
    {
        _leftInTraining |= node.Int("training_mode", 0) != 0;
        if (node.Int("spatial", 1) == 0 && node.Input(1).Rank > 1) return NormalizationByPosition(node);
        Operand[] others = [node.Input(1), node.Input(2), node.Input(3), node.Input(4)];
        return ApplyChannelsLast(node, OpCatalog.BatchNorm, node.Input(0), others, new BatchNormAttributes(node.Float("epsilon", 1e-5f)));
    }

    private Operand LocalResponseNormalization(OnnxNode node)
    {
        int size = node.ToInt(node.Int("size", 0));
        if (size < 1) throw node.Fail($"its size is {size}");
        LocalResponseNormAttributes attributes = new(size, node.Float("alpha", 1e-4f) / size, node.Float("beta", 0.75f), node.Float("bias", 1));
        return ApplyChannelsLast(node, OpCatalog.LocalResponseNorm, node.Input(0), [], attributes);
    }

    private Operand Softmax(OnnxNode node, Operand x, bool logarithm, int opset)
    {
        SoftmaxAttributes attributes = new(logarithm);
        int axis = node.Axis(node.Int("axis", opset >= 13 ? -1 : 1), x.Rank);
        // Before operator set 13 everything from the axis on is one distribution.
        bool one = opset >= 13 || axis == x.Rank - 1;
        if (one && axis == x.Rank - 1) return Apply(node, OpCatalog.Softmax, [x], attributes);
        if (!one)
        {
            Operand rows = ReshapeTo(node, x, [x.Shape.Product(0, axis), x.Shape.Product(axis, x.Rank)], $"{node.Name}/rows");
            return ReshapeTo(node, Apply(node, OpCatalog.Softmax, [rows], attributes, $"{node.Name}/softmax"), x.Shape.Dims, node.Name);
        }

        if (axis == 1) return ApplyChannelsLast(node, OpCatalog.Softmax, x, [], attributes);
        int[] swap = new int[x.Rank];
        for (int i = 0; i < swap.Length; i++) swap[i] = i == axis ? x.Rank - 1 : i == x.Rank - 1 ? axis : i;
        TransposeAttributes transpose = new(new IntList(swap));
        Operand last = Apply(node, OpCatalog.Transpose, [x], transpose, $"{node.Name}/last");
        return Apply(node, OpCatalog.Transpose, [Apply(node, OpCatalog.Softmax, [last], attributes, $"{node.Name}/softmax")], transpose);
    }

    private Operand Gemm(OnnxNode node, Operand a, Operand b, Operand? c)
    {
        float alpha = node.Float("alpha", 1), beta = node.Float("beta", 1);
        bool transA = node.Int("transA", 0) != 0, transB = node.Int("transB", 0) != 0;
        if (a.Rank != 2 || b.Rank != 2) throw node.Fail($"its operands have shapes {a.Shape} and {b.Shape}, expected matrices");
        if (c is not null && beta != 1) c = Scaled(node, c, beta);
        if (transA && a.IsConstant) (a, transA) = (Permuted(node, a, "a matrix", Swap), false);
        if (transA || !b.IsConstant) return ProductOfActivations(node, a, b, c, new MatMulAttributes(transA, transB), alpha);
        Operand weights = transB ? b : Permuted(node, b, "a weight matrix", Swap);
        RequireStored(node, weights, "a weight matrix");
        if (alpha != 1) weights = Scaled(node, weights, alpha);
        int outputs = weights.Shape[0];
        if (c is null) return Apply(node, OpCatalog.Dense, [a, weights], new DenseAttributes());
        if (c.IsConstant && c.Shape.ElementCount == outputs && (c.Rank == 0 || c.Shape[-1] == outputs))
        {
            Operand bias = c.Rank == 1 ? c : new Operand(c.Name, RequireStored(node, c, "a bias").Reshaped(new Shape(outputs)));
            return Apply(node, OpCatalog.Dense, [a, weights, bias], new DenseAttributes(HasBias: true));
        }

        Operand product = Apply(node, OpCatalog.Dense, [a, weights], new DenseAttributes(), $"{node.Name}/product");
        return Apply(node, OpCatalog.Add, [product, c]);
    }

    /// <summary>alpha * a * b + c, where no operand need be a matrix of weights.</summary>
    private Operand ProductOfActivations(OnnxNode node, Operand a, Operand b, Operand? c, MatMulAttributes attributes, float alpha)
    {
        bool scales = alpha != 1;
        Operand product = Apply(node, OpCatalog.MatMul, [a, b], attributes, scales || c is not null ? $"{node.Name}/product" : null);
        if (scales) product = Apply(node, OpCatalog.Multiply, [product, Number(node, "alpha", alpha)], null, c is null ? null : $"{node.Name}/scaled");
        return c is null ? product : Apply(node, OpCatalog.Add, [product, c]);
    }

    private Operand Scaled(OnnxNode node, Operand operand, float factor) =>
        Apply(node, OpCatalog.Multiply, [operand, Constant($"{operand.Name}/factor", new Shape(), factor)], null, operand.Name);

    private Operand MatMul(OnnxNode node, Operand a, Operand b)
    {
        if (a.Rank < 2 || b.Rank < 2) throw node.Unsupported("of a vector", $"{a.Shape} and {b.Shape}");
        if (a is { IsConstant: true, Rank: 2 } && !b.IsConstant && b.Rank > 2) return MatMulFromLeft(node, a, b);
        if (b.IsConstant && b.Rank > 2 && b.Rank <= a.Rank && b.Shape.Product(0, b.Rank - 2) == 1)
        {
            b = new Operand(b.Name, RequireStored(node, b, "a weight matrix").Reshaped(new Shape(b.Shape[-2], b.Shape[-1])));
        }

        if (!b.IsConstant || b.Rank != 2) return Apply(node, OpCatalog.MatMul, [a, b], new MatMulAttributes());
        Operand weights = Permuted(node, b, "a weight matrix", Swap);
        if (a.Rank == 2) return Apply(node, OpCatalog.Dense, [a, weights], new DenseAttributes());
        int k = a.Shape[-1];
        Operand rows = Apply(node, OpCatalog.Reshape, [a], new ReshapeAttributes(new IntList(-1, k)), $"{node.Name}/rows");
        Operand product = Apply(node, OpCatalog.Dense, [rows, weights], new DenseAttributes(), $"{node.Name}/product");
        int[] dims = [.. a.Shape.Dims[..^1], weights.Shape[0]];
        dims[0] = -1;
        return Apply(node, OpCatalog.Reshape, [product], new ReshapeAttributes(new IntList(dims)));
    }

    /// <summary>Weights on the left: the transposed product of the transposed operands.</summary>
    private Operand MatMulFromLeft(OnnxNode node, Operand a, Operand b)
    {
        int[] swap = new int[b.Rank];
        for (int i = 0; i < swap.Length; i++) swap[i] = i;
        (swap[^1], swap[^2]) = (swap[^2], swap[^1]);
        TransposeAttributes transpose = new(new IntList(swap));
        Operand product = MatMul(node.Inner("product"), Step(node, "columns", OpCatalog.Transpose, [b], transpose), Permuted(node, a, "a weight matrix", Swap));
        return Apply(node, OpCatalog.Transpose, [product], transpose);
    }
}
