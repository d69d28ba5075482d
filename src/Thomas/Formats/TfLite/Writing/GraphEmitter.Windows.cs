using System;
using System.Runtime.InteropServices;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite.Writing;

/// <content>Operators with windows or weights. Field numbers are those of the operators' option tables.</content>
internal sealed partial class GraphEmitter
{
    private const int GroupedConvVersion = 6, DilatedDepthwiseVersion = 2;

    private int EmitConv2d(Node node)
    {
        Conv2dAttributes a = (Conv2dAttributes)node.Attributes;
        Activation activation = a.HasResidual ? Activation.None : Applied(a.Activation);
        (int x, TfLitePadding padding) = Padded(node.Inputs[0], a.Window, 0);
        OptionsTable options = new OptionsTable(BuiltinOptions.Conv2D)
            .Byte(0, (byte)padding).Int(1, a.Window.StrideW).Int(2, a.Window.StrideH).Byte(3, (byte)TfLiteActivations.ToFused(activation))
            .Int(4, a.Window.DilationW, 1).Int(5, a.Window.DilationH, 1);
        int result = Call(
            BuiltinOperator.CONV_2D, [x, Tensor(node.Inputs[1]), Bias(node, a.HasBias)], Dims(node.Output), options, a.Groups > 1 ? GroupedConvVersion : 1);
        if (!a.HasResidual) return Unfused(result, activation);
        return Binary(BuiltinOperator.ADD, result, Tensor(node.Inputs[^1]), a.Activation);
    }

    /// <summary>The node's own activation; in integers that with the one that follows it.</summary>
    private Activation Applied(Activation own) => _target is null ? own : _fused;

    private int EmitDepthwise(Node node)
    {
        DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
        Activation activation = Applied(a.Activation);
        (int x, TfLitePadding padding) = Padded(node.Inputs[0], a.Window, 0);
        return Unfused(Depthwise(x, Tensor(node.Inputs[1]), Bias(node, a.HasBias), Dims(node.Output), padding, a.Window, activation), activation);
    }

    private int Depthwise(int x, int filter, int bias, int[] dims, TfLitePadding padding, Window2d window, Activation activation)
    {
        OptionsTable options = new OptionsTable(BuiltinOptions.DepthwiseConv2D)
            .Byte(0, (byte)padding).Int(1, window.StrideW).Int(2, window.StrideH).Int(3, dims[3] / Dims(x)[3])
            .Byte(4, (byte)TfLiteActivations.ToFused(activation))
            .Int(5, window.DilationW, 1).Int(6, window.DilationH, 1);
        bool isDilated = window.DilationH != 1 || window.DilationW != 1;
        return Call(BuiltinOperator.DEPTHWISE_CONV_2D, [x, filter, bias], dims, options, isDilated ? DilatedDepthwiseVersion : 1);
    }

    /// <summary>
    /// The format has neither groups nor dilation here, and pads by scheme only: the filter is spelled out with zeros for all channels and taps, and what other
    /// pads would cut off is sliced off.
    /// </summary>
    private int EmitConvTranspose(Node node)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
        Window2d window = a.Window with { KernelH = a.Window.ExtentH, KernelW = a.Window.ExtentW, DilationH = 1, DilationW = 1 };
        TensorData filter = node.Inputs[1].Constant ?? throw new ThomasException($"{node} cannot be written as .tflite: its filter is computed.");
        int[] dims = Dims(node.Output), full = [dims[0], dims[1] + window.Padding.Top, dims[2] + window.Padding.Left, dims[3]];
        int weights = AddFilter(
            $"{node.Inputs[1].Name}/dense", [dims[3], window.KernelH, window.KernelW, filter.Type.Shape[0]], DenseFilter(filter, a, dims[3]),
            filter.Type.DType);
        bool isSame = IsSame(node.Output.Shape, window);
        if (!isSame)
        {
            Shape x = node.Inputs[0].Shape;
            full[1] = Math.Max(full[1], ((x[1] - 1) * window.StrideH) + window.KernelH);
            full[2] = Math.Max(full[2], ((x[2] - 1) * window.StrideW) + window.KernelW);
        }

        TfLitePadding padding = isSame && window.Padding != Padding2d.None ? TfLitePadding.SAME : TfLitePadding.VALID;
        if (padding == TfLitePadding.SAME) full = dims;
        OptionsTable options = new OptionsTable(BuiltinOptions.TransposeConv).Byte(0, (byte)padding).Int(1, window.StrideW).Int(2, window.StrideH);
        int result = Call(BuiltinOperator.TRANSPOSE_CONV, [SizeWithBatchOf(Tensor(node.Inputs[0]), full), weights, Tensor(node.Inputs[0])], full, options);
        return full.AsSpan().SequenceEqual(dims) ? result : Sliced(result, [0, window.Padding.Top, window.Padding.Left, 0], [-1, dims[1], dims[2], -1], dims);
    }

    /// <summary>A filter that was rearranged, in its own type.</summary>
    private int AddFilter(string name, int[] dims, float[] values, DType type)
    {
        if (type != DType.F16) return _file.AddFloats(name, dims, values);
        Half[] halves = Array.ConvertAll(values, static value => (Half)value);
        return Widened(_file.AddTensor(new FileTensor(name, TfLiteType.FLOAT16, dims, MemoryMarshal.AsBytes(halves.AsSpan()).ToArray())));
    }

    /// <summary>Sizes as an operand; an open batch is read off a tensor at run time.</summary>
    private int SizeWithBatchOf(int x, int[] dims)
    {
        if (!_batchIsOpen) return Ints("size", dims);
        int shape = Call(
            BuiltinOperator.SHAPE, [x], [Dims(x).Length], new OptionsTable(BuiltinOptions.Shape).Byte(0, (byte)TfLiteType.INT32), type: TfLiteType.INT32);
        int batch = Call(
            BuiltinOperator.SLICE, [shape, Ints("begin", 0), Ints("count", 1)], [1], new OptionsTable(BuiltinOptions.Slice), type: TfLiteType.INT32);
        return Call(
            BuiltinOperator.CONCATENATION, [batch, Ints("size", dims.AsSpan(1))], [dims.Length], new OptionsTable(BuiltinOptions.Concatenation),
            type: TfLiteType.INT32);
    }

    /// <summary>A filter [cIn,kH,kW,cOut/groups] with dilated taps as one [cOut,kH,kW,cIn] without groups and dilation.</summary>
    private static float[] DenseFilter(TensorData filter, Conv2dGradientAttributes a, int outputs)
    {
        Shape shape = filter.Type.Shape;
        Window2d window = a.Window;
        int inputs = shape[0], perGroup = shape[3], width = window.ExtentW;
        ReadOnlySpan<float> weights = filter.Widened;
        float[] dense = new float[checked(outputs * window.ExtentH * width * inputs)];
        for (int c = 0, from = 0; c < inputs; c++)
            for (int i = 0; i < shape[1]; i++)
                for (int j = 0; j < shape[2]; j++)
                    for (int o = 0; o < perGroup; o++, from++)
                    {
                        int output = (c / (inputs / a.Groups) * perGroup) + o;
                        dense[(((((output * window.ExtentH) + (i * window.DilationH)) * width) + (j * window.DilationW)) * inputs) + c] = weights[from];
                    }

        return dense;
    }

    private int EmitDense(Node node)
    {
        DenseAttributes a = (DenseAttributes)node.Attributes;
        Activation activation = Applied(a.Activation);
        OptionsTable options = new OptionsTable(BuiltinOptions.FullyConnected).Byte(0, (byte)TfLiteActivations.ToFused(activation));
        return Unfused(
            Call(BuiltinOperator.FULLY_CONNECTED, [Tensor(node.Inputs[0]), Tensor(node.Inputs[1]), Bias(node, a.HasBias)], Dims(node.Output), options),
            activation);
    }

    /// <summary>Kernels take at most five axes; of more, those before the matrices become one, which they can where none of them stretches.</summary>
    private int EmitMatMul(Node node)
    {
        const int maxRank = 5;
        MatMulAttributes t = (MatMulAttributes)node.Attributes;
        int[] inputs = [Tensor(node.Inputs[0]), Tensor(node.Inputs[1])], dims = Dims(node.Output), joined = dims;
        if (dims.Length > maxRank)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (!Dims(inputs[i]).AsSpan(..^2).SequenceEqual(dims.AsSpan(..^2)))
                {
                    throw new ThomasException($"{node} cannot be written as .tflite: it multiplies operands that stretch along more than {maxRank} axes.");
                }

                inputs[i] = Reshaped(inputs[i], Joined(Dims(inputs[i])));
            }

            joined = Joined(dims);
        }

        OptionsTable options = new OptionsTable(BuiltinOptions.BatchMatMul).Bool(0, t.TransposeA).Bool(1, t.TransposeB);
        int result = Call(BuiltinOperator.BATCH_MATMUL, inputs, joined, options);
        return ReferenceEquals(joined, dims) ? result : Reshaped(result, dims);
    }

    /// <summary>The sizes with all axes before the last two as one.</summary>
    private static int[] Joined(int[] dims) => [new Shape(dims).Product(0, dims.Length - 2), dims[^2], dims[^1]];

    /// <summary>The bias operand. Zeros where there is none: not every runtime takes these operators without.</summary>
    private int Bias(Node node, bool hasBias)
    {
        if (_target is not null) return IntegerBias(node, hasBias);
        if (hasBias) return Tensor(node.Inputs[2]);
        int outputs = node.Output.Shape[-1];
        return _file.AddFloats($"{_name}/bias", [outputs], new float[outputs]);
    }

    private int EmitMaxPool(Node node)
    {
        Window2d window = ((MaxPool2dAttributes)node.Attributes).Window;
        (int x, TfLitePadding padding) = Padded(node.Inputs[0], window, float.MinValue);
        if (window.DilationH == 1 && window.DilationW == 1) return Pool(BuiltinOperator.MAX_POOL_2D, x, Dims(node.Output), padding, window, Activation.None);

        // No dilated pooling: the maximum of one strided slice a tap. SAME needs its pads spelled out for that.
        if (padding == TfLitePadding.SAME) x = PaddedExplicitly(node.Inputs[0], window.Padding, float.MinValue);
        int[] output = Dims(node.Output), size = [-1, output[1], output[2], -1], step = [1, window.StrideH, window.StrideW, 1];
        int result = -1;
        for (int i = 0; i < window.KernelH; i++)
            for (int j = 0; j < window.KernelW; j++)
            {
                int tap = StridedSlice(x, [0, i * window.DilationH, j * window.DilationW, 0], size, step, output);
                result = result < 0 ? tap : Binary(BuiltinOperator.MAXIMUM, result, tap);
            }

        return result;
    }

    private int EmitAveragePool(Node node)
    {
        AveragePool2dAttributes a = (AveragePool2dAttributes)node.Attributes;
        Window2d window = a.Window;
        int[] output = Dims(node.Output);
        bool isDilated = window.DilationH != 1 || window.DilationW != 1, isPadded = window.Padding != Padding2d.None;
        TfLitePadding padding = isPadded ? TfLitePadding.SAME : TfLitePadding.VALID;
        if (!isDilated && (!isPadded || (!a.CountPadding && IsSame(node.Inputs[0].Shape, window))))
        {
            return Unfused(Pool(BuiltinOperator.AVERAGE_POOL_2D, Tensor(node.Inputs[0]), output, padding, window, a.Activation), a.Activation);
        }

        // Sum with the padding counted as zeros, then divide by what should have been counted.
        int x = isPadded ? PaddedExplicitly(node.Inputs[0], window.Padding, 0) : Tensor(node.Inputs[0]);
        int taps = window.KernelH * window.KernelW;
        if (!isDilated)
        {
            Activation last = a.CountPadding ? a.Activation : Activation.None;
            int mean = Pool(BuiltinOperator.AVERAGE_POOL_2D, x, output, TfLitePadding.VALID, window, last);
            return a.CountPadding ? Unfused(mean, last) : Binary(BuiltinOperator.MUL, mean, Shares(node.Inputs[0].Shape, output, window, taps), a.Activation);
        }

        int channels = output[3];
        float[] ones = new float[taps * channels];
        Array.Fill(ones, 1);
        int filter = _file.AddFloats($"{_name}/ones", [1, window.KernelH, window.KernelW, channels], ones);
        int sum = Depthwise(x, filter, Bias(node, hasBias: false), output, TfLitePadding.VALID, window, Activation.None);
        int factor = a.CountPadding ? Scalar("share", 1f / taps) : Shares(node.Inputs[0].Shape, output, window, 1);
        return Binary(BuiltinOperator.MUL, sum, factor, a.Activation);
    }

    /// <summary>A constant [1,oh,ow,1]: <paramref name="numerator"/> divided by the number of the window's taps inside the input.</summary>
    private int Shares(Shape input, int[] output, Window2d window, int numerator)
    {
        float[] shares = new float[output[1] * output[2]];
        for (int p = 0; p < output[1]; p++)
            for (int q = 0; q < output[2]; q++)
            {
                int rows = Inside(input[1], (p * window.StrideH) - window.Padding.Top, window.KernelH, window.DilationH);
                int columns = Inside(input[2], (q * window.StrideW) - window.Padding.Left, window.KernelW, window.DilationW);
                shares[(p * output[2]) + q] = (float)numerator / Math.Max(rows * columns, 1);
            }

        return _file.AddFloats($"{_name}/shares", [1, output[1], output[2], 1], shares);
    }

    private static int Inside(int size, int start, int taps, int dilation)
    {
        int count = 0;
        for (int i = 0; i < taps; i++) count += (uint)(start + (i * dilation)) < (uint)size ? 1 : 0;
        return count;
    }

    private int Pool(BuiltinOperator code, int x, int[] dims, TfLitePadding padding, Window2d window, Activation activation) => Call(
        code,
        [x],
        dims,
        new OptionsTable(BuiltinOptions.Pool2D)
            .Byte(0, (byte)padding).Int(1, window.StrideW).Int(2, window.StrideH).Int(3, window.KernelW).Int(4, window.KernelH)
            .Byte(5, (byte)TfLiteActivations.ToFused(activation)));

    /// <summary>The operand with its window's padding done: by the scheme where SAME or VALID says it, else by a PAD before.</summary>
    private (int X, TfLitePadding Padding) Padded(Value x, Window2d window, float value)
    {
        if (window.Padding == Padding2d.None) return (Tensor(x), TfLitePadding.VALID);
        return IsSame(x.Shape, window) ? (Tensor(x), TfLitePadding.SAME) : (PaddedExplicitly(x, window.Padding, value), TfLitePadding.VALID);
    }

    internal static bool IsSame(Shape x, Window2d window) =>
        window.Padding == Window2d.Same(x[1], x[2], window.ExtentH, window.ExtentW, window.StrideH, window.StrideW);

    private int PaddedExplicitly(Value x, Padding2d padding, float value) =>
        PaddedBy(Tensor(x), [0, padding.Top, padding.Left, 0], [0, padding.Bottom, padding.Right, 0], value);
}
