using System;
using System.Collections.Generic;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators with weights, windows or statistics: images in NCHW form.</summary>
internal sealed partial class OnnxEmitter
{
    private static readonly IntList HwcToDepthwise = new(3, 0, 1, 2);

    /// <summary>Adds a node whose activation, if it has one, is a node of its own; <paramref name="add"/> gets the name to define.</summary>
    private void AddActivated(Node node, bool nchw, Activation activation, Action<string> add)
    {
        if (activation.Kind == ActivationKind.None || IsDoneByGrid(node.Output, activation))
        {
            add(Define(node.Output, nchw));
            return;
        }

        string linear = Unique($"{node.Name}/linear");
        add(linear);
        EmitActivation(activation, linear, Define(node.Output, nchw));
    }

    private void EmitConv2d(Node node)
    {
        Conv2dAttributes a = (Conv2dAttributes)node.Attributes;
        List<string> operands = [Nchw(node.Inputs[0]), Nchw(node.Inputs[1])];
        if (a.HasBias) operands.Add(Plain(node.Inputs[2]));
        string residual = a.HasResidual ? Nchw(node.Inputs[^1]) : "";
        AttributeProto[] attributes = [.. WindowAttributes(a.Window, dilated: true), Int("group", a.Groups)];
        AddActivated(node, true, a.Activation, name =>
        {
            if (!a.HasResidual) Add("Conv", operands.ToArray(), name, attributes);
            else Add("Add", [Add("Conv", operands.ToArray(), Unique($"{node.Name}/conv"), attributes), residual], name);
        });
    }

    private void EmitDepthwiseConv2d(Node node)
    {
        DepthwiseConv2dAttributes a = (DepthwiseConv2dAttributes)node.Attributes;
        Value filter = node.Inputs[1];
        string weights = filter.IsConstant
            ? DepthwiseFilter(filter)
            : Add("Transpose", [Plain(filter)], Unique($"{filter.Name}/ochw"), Ints("perm", 3, 0, 1, 2));
        string[] operands = a.HasBias ? [Nchw(node.Inputs[0]), weights, Plain(node.Inputs[2])] : [Nchw(node.Inputs[0]), weights];
        AttributeProto[] attributes = [.. WindowAttributes(a.Window, dilated: true), Int("group", node.Inputs[0].Shape[3])];
        AddActivated(node, true, a.Activation, name => Add("Conv", operands, name, attributes));
    }

    private string DepthwiseFilter(Value filter) =>
        _initializers.TryGetValue((filter, HwcToDepthwise.ToString()), out string? known) ? known : PermutedInitializer(filter, HwcToDepthwise);

    private void EmitConvTranspose(Node node)
    {
        Conv2dGradientAttributes a = (Conv2dGradientAttributes)node.Attributes;
        Window2d window = a.Window;
        Shape x = node.Inputs[0].Shape;

        // What the pads must cut off at the end; below zero elements are added there.
        int bottom = ((x[1] - 1) * window.StrideH) + window.ExtentH - window.Padding.Top - a.InputH,
            right = ((x[2] - 1) * window.StrideW) + window.ExtentW - window.Padding.Left - a.InputW;
        Window2d cut = window with { Padding = window.Padding with { Bottom = Math.Max(0, bottom), Right = Math.Max(0, right) } };
        AttributeProto[] attributes = [
            .. WindowAttributes(cut, dilated: true), Int("group", a.Groups), Ints("output_padding", Math.Max(0, -bottom), Math.Max(0, -right))];
        Add("ConvTranspose", [Nchw(node.Inputs[0]), Nchw(node.Inputs[1])], DefineNchw(node.Output), attributes);
    }

    private void EmitDense(Node node)
    {
        DenseAttributes a = (DenseAttributes)node.Attributes;
        string[] operands = a.HasBias ? [Plain(node.Inputs[0]), Plain(node.Inputs[1]), Plain(node.Inputs[2])] : [Plain(node.Inputs[0]), Plain(node.Inputs[1])];
        AddActivated(node, false, a.Activation, name => Add("Gemm", operands, name, Int("transB", 1)));
    }

    private void EmitMatMul(Node node)
    {
        MatMulAttributes t = (MatMulAttributes)node.Attributes;
        string a = t.TransposeA ? Turned(node.Inputs[0]) : Plain(node.Inputs[0]), b = t.TransposeB ? Turned(node.Inputs[1]) : Plain(node.Inputs[1]);
        Add("MatMul", [a, b], DefinePlain(node.Output));
    }

    /// <summary>A value with its last two axes exchanged.</summary>
    private string Turned(Value value)
    {
        long[] perm = new long[value.Shape.Rank];
        for (int i = 0; i < perm.Length; i++) perm[i] = i;
        (perm[^1], perm[^2]) = (perm[^2], perm[^1]);
        return Add("Transpose", [Plain(value)], Unique($"{value.Name}/turned"), Ints("perm", perm));
    }

    private void EmitBatchNorm(Node node)
    {
        AttributeProto epsilon = Float("epsilon", ((BatchNormAttributes)node.Attributes).Epsilon);
        string[] statistics = [Plain(node.Inputs[1]), Plain(node.Inputs[2]), Plain(node.Inputs[3]), Plain(node.Inputs[4])];
        int rank = node.Output.Shape.Rank;
        if (rank is 2 or 4)
        {
            Add("BatchNormalization", [Form(node.Inputs[0], rank == 4), .. statistics], Define(node.Output, rank == 4), epsilon);
            return;
        }

        string rows = AddReshape(Plain(node.Inputs[0]), Unique($"{node.Name}/rows"), -1, node.Output.Shape[-1]);
        AddReshape(
            Add("BatchNormalization", [rows, .. statistics], Unique($"{node.Name}/normalized"), epsilon), DefinePlain(node.Output),
            OpenBatch(node.Output.Shape));
    }

    private void EmitLocalResponseNorm(Node node)
    {
        LocalResponseNormAttributes a = (LocalResponseNormAttributes)node.Attributes;
        AttributeProto[] attributes = [Int("size", a.Size), Float("alpha", a.Alpha * a.Size), Float("beta", a.Beta), Float("bias", a.Bias)];
        if (node.Output.Shape.Rank == 4)
        {
            Add("LRN", [Nchw(node.Inputs[0])], DefineNchw(node.Output), attributes);
            return;
        }

        string pixels = AddReshape(Plain(node.Inputs[0]), Unique($"{node.Name}/pixels"), -1, node.Output.Shape[-1], 1, 1);
        AddReshape(Add("LRN", [pixels], Unique($"{node.Name}/normalized"), attributes), DefinePlain(node.Output), OpenBatch(node.Output.Shape));
    }

    private void EmitSoftmax(Node node)
    {
        SoftmaxAttributes a = (SoftmaxAttributes)node.Attributes;
        bool nchw = PrefersNchw(node.Inputs[0]);
        string x = Form(node.Inputs[0], nchw);
        if (a.Beta != 1) x = Add("Mul", [x, Floats($"{node.Name}/beta", new Shape(), a.Beta)], Unique($"{node.Name}/scaled"));
        Add(a.Logarithm ? "LogSoftmax" : "Softmax", [x], Define(node.Output, nchw), Int("axis", nchw ? 1 : -1));
    }

    private void EmitMaxPool(Node node)
    {
        Window2d window = ((MaxPool2dAttributes)node.Attributes).Window;
        string x = Nchw(node.Inputs[0]);
        if (PaddingExceedsKernel(window))
        {
            string pads = Longs($"{node.Name}/pads", 0, 0, window.Padding.Top, window.Padding.Left, 0, 0, window.Padding.Bottom, window.Padding.Right);
            x = Add("Pad", [x, pads, Floats($"{node.Name}/lowest", new Shape(), float.NegativeInfinity)], Unique($"{node.Name}/padded"));
            window = window with { Padding = Padding2d.None };
        }

        Add("MaxPool", [x], DefineNchw(node.Output), WindowAttributes(window, dilated: true));
    }

    private void EmitAveragePool(Node node)
    {
        AveragePool2dAttributes a = (AveragePool2dAttributes)node.Attributes;
        string x = Nchw(node.Inputs[0]);
        bool direct = a.Window.DilationH == 1 && a.Window.DilationW == 1 && !PaddingExceedsKernel(a.Window);
        AddActivated(node, true, a.Activation, name =>
        {
            if (direct) Add("AveragePool", [x], name, [.. WindowAttributes(a.Window, dilated: false), Int("count_include_pad", a.CountPadding ? 1 : 0)]);
            else EmitMeanByConvolution(node, a, x, name);
        });
    }

    /// <summary>A mean whose window this operator set cannot express: the sum as a convolution with ones, divided by the counts.</summary>
    private void EmitMeanByConvolution(Node node, AveragePool2dAttributes a, string x, string name)
    {
        Window2d window = a.Window;
        Shape input = node.Inputs[0].Shape, output = node.Output.Shape;
        float[] ones = new float[input[3] * window.KernelH * window.KernelW];
        Array.Fill(ones, 1);
        string filter = Floats($"{node.Name}/ones", new Shape(input[3], 1, window.KernelH, window.KernelW), ones);
        string sum = Add("Conv", [x, filter], Unique($"{node.Name}/sum"), [.. WindowAttributes(window, dilated: true), Int("group", input[3])]);
        float[] counts = new float[output[1] * output[2]];
        for (int p = 0, i = 0; p < output[1]; p++)
        {
            int rows = a.CountPadding ? window.KernelH : TapsInside(p * window.StrideH - window.Padding.Top, window.KernelH, window.DilationH, input[1]);
            for (int q = 0; q < output[2]; q++, i++)
                counts[i] = rows
                    * (a.CountPadding ? window.KernelW : TapsInside((q * window.StrideW) - window.Padding.Left, window.KernelW, window.DilationW, input[2]));
        }

        Add("Div", [sum, Floats($"{node.Name}/counts", new Shape(1, 1, output[1], output[2]), counts)], name);
    }

    private static int TapsInside(int start, int kernel, int dilation, int size)
    {
        int count = 0;
        for (int i = 0; i < kernel; i++) count += (uint)(start + (i * dilation)) < (uint)size ? 1 : 0;
        return count;
    }

    /// <summary>ONNX Runtime refuses pools whose padding reaches the kernel's size, dilation or not.</summary>
    private static bool PaddingExceedsKernel(Window2d window) =>
        window.Padding.Top >= window.KernelH || window.Padding.Bottom >= window.KernelH || window.Padding.Left >= window.KernelW
        || window.Padding.Right >= window.KernelW;

    private static AttributeProto[] WindowAttributes(Window2d window, bool dilated)
    {
        List<AttributeProto> attributes =
        [
            Ints("kernel_shape", window.KernelH, window.KernelW),
            Ints("strides", window.StrideH, window.StrideW),
            Ints("pads", window.Padding.Top, window.Padding.Left, window.Padding.Bottom, window.Padding.Right),
        ];
        if (dilated) attributes.Add(Ints("dilations", window.DilationH, window.DilationW));
        return [.. attributes];
    }
}
