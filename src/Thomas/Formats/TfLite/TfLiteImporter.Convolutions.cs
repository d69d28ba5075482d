using System;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite;

/// <content>Operators with windows or weights. Field numbers are those of the operators' option tables.</content>
internal sealed partial class TfLiteImporter
{
    // Keeps the arithmetic of windows within 32 bits.
    private const int MaxWindow = 1 << 15;

    private void ImportConv2d(OperatorCall call)
    {
        FlatTable options = call.Options;
        Value x = Operand(call, 0), filter = Operand(call, 1);
        RequireRank4(call, x, filter);
        Window2d window = ReadWindow(
            call, x.Shape, filter.Shape[1], filter.Shape[2], (options.Int(2), options.Int(1)),
            Spread(call, (options.Int(2), options.Int(1)), (options.Int(5, 1), options.Int(4, 1))));
        Activation activation = ReadActivation(call, 3);
        int channels = x.Shape[3], perGroup = filter.Shape[3];
        _file.Require(perGroup > 0 && channels % perGroup == 0, call.Place, $"its filter {filter.Shape} (OHWI) does not fit an input of {channels} channels");
        int groups = channels / perGroup;
        if (groups == channels && groups > 1 && filter.Shape[0] % groups == 0)
        {
            EmitWithBias(call, OpCatalog.DepthwiseConv2d, x, ToDepthwise(call, filter), hasBias => new DepthwiseConv2dAttributes(window, hasBias, activation));
            return;
        }

        EmitWithBias(call, OpCatalog.Conv2d, x, filter, hasBias => new Conv2dAttributes(window, groups, hasBias, HasResidual: false, activation));
    }

    private void ImportDepthwiseConv2d(OperatorCall call)
    {
        FlatTable options = call.Options;
        Value x = Operand(call, 0), filter = Operand(call, 1);
        RequireRank4(call, x, filter);
        Window2d window = ReadWindow(
            call, x.Shape, filter.Shape[1], filter.Shape[2], (options.Int(2), options.Int(1)),
            Spread(call, (options.Int(2), options.Int(1)), (options.Int(6, 1), options.Int(5, 1))));
        Activation activation = ReadActivation(call, 4);
        EmitWithBias(call, OpCatalog.DepthwiseConv2d, x, filter, hasBias => new DepthwiseConv2dAttributes(window, hasBias, activation));
    }

    /// <summary>Operands: the result's shape, the filter [cOut,kH,kW,cIn], the input, perhaps a bias.</summary>
    private void ImportTransposeConv(OperatorCall call)
    {
        FlatTable options = call.Options;
        Activation activation = ReadActivation(call, 3);
        Value filter = Operand(call, 1), x = Operand(call, 2);
        RequireRank4(call, x, filter);
        int[] size = SmallInts(call, RequiredIntegers(call, 0, "a size").Values);
        _file.Require(
            size.Length == 4 && size[1] >= 1 && size[2] >= 1 && filter.Shape[3] == x.Shape[3], call.Place,
            $"{call.Name} of {x.Shape} and {filter.Shape} names {size.Length} sizes");
        if (filter.Constant is not { } data) throw Unsupported(call, "a filter that is not constant");

        // Padding is that of the convolution which is turned around: from the result to the input.
        Window2d window = ReadWindow(
            call, new Shape(1, size[1], size[2], filter.Shape[0]), filter.Shape[1], filter.Shape[2], (options.Int(2), options.Int(1)), (1, 1));
        bool fits = window.OutputH(size[1]) == x.Shape[1] && window.OutputW(size[2]) == x.Shape[2]
            && window.ExtentH <= size[1] + window.Padding.Top + window.Padding.Bottom && window.ExtentW <= size[2] + window.Padding.Left + window.Padding.Right;
        if (!fits) throw Unsupported(call, "an output size that its windows do not give");
        Value turned = _builder.Constant($"{filter.Name}/turned", Permuted(data, new IntList(3, 1, 2, 0)));
        Conv2dGradientAttributes attributes = new(window, size[1], size[2]);
        if (!call.Has(3)) Emit(call, OpCatalog.ConvTranspose2d, [x, turned], attributes, activation);
        else Emit(call, OpCatalog.Add, [Step(call, OpCatalog.ConvTranspose2d, [x, turned], attributes), Bias(call, 3)], null, activation);
    }

    private void ImportFullyConnected(OperatorCall call)
    {
        FlatTable options = call.Options;
        if (options.Byte(1) != 0) throw Unsupported(call, "shuffled weights");
        Activation activation = ReadActivation(call, 0);
        Value x = Operand(call, 0), weights = Operand(call, 1);
        _file.Require(weights.Shape.Rank == 2 && weights.Shape[1] > 0, call.Place, $"its weights have shape {weights.Shape}, expected outputs x inputs");
        Value rows = AsRows(call, x, weights.Shape[1]);
        bool hasBias = call.Has(2);
        Value[] operands = hasBias ? [rows, weights, Bias(call, 2)] : [rows, weights];
        DenseAttributes attributes = new(hasBias, activation);
        if (!options.Bool(2) || x.Shape.Rank == 2)
        {
            Emit(call, OpCatalog.Dense, operands, attributes);
            return;
        }

        _file.Require(x.Shape.Rank >= 1, call.Place, "FULLY_CONNECTED keeps the axes of a scalar");
        Emit(call, OpCatalog.Reshape, [Step(call, OpCatalog.Dense, operands, attributes)], LeadingAxesOf(x.Shape, weights.Shape[0]));
    }

    /// <summary>Products of two activations; with a constant matrix on the right a dense layer.</summary>
    private void ImportBatchMatMul(OperatorCall call)
    {
        Value x = Operand(call, 0), y = Operand(call, 1);
        bool transposesX = call.Options.Bool(0), isTransposed = call.Options.Bool(1);
        _file.Require(x.Shape.Rank >= 2 && y.Shape.Rank >= 2, call.Place, $"multiplies {x.Shape} by {y.Shape}");
        if (transposesX || !y.IsConstant || y.Shape.Product(0, y.Shape.Rank - 2) != 1 || y.Shape.Rank > x.Shape.Rank)
        {
            Emit(call, OpCatalog.MatMul, [x, y], new MatMulAttributes(transposesX, isTransposed));
            return;
        }

        int inputs = y.Shape[isTransposed ? -1 : -2], outputs = y.Shape[isTransposed ? -2 : -1];
        _file.Require(x.Shape[-1] == inputs && inputs > 0, call.Place, $"multiplies {x.Shape} by {y.Shape}");
        Shape matrix = new(y.Shape[-2], y.Shape[-1]);
        TensorData weights = y.Constant!.Reshaped(matrix);
        Value constant = _builder.Constant($"{y.Name}/rows", isTransposed ? weights : Permuted(weights, new IntList(1, 0)));
        Value product = Step(call, OpCatalog.Dense, [AsRows(call, x, inputs), constant], new DenseAttributes());
        Emit(call, OpCatalog.Reshape, [product], LeadingAxesOf(x.Shape, outputs));
    }

    private void ImportAveragePool(OperatorCall call)
    {
        Activation activation = ReadActivation(call, 5);
        Value x = Operand(call, 0);
        Emit(call, OpCatalog.AveragePool2d, [x], new AveragePool2dAttributes(ReadPoolWindow(call, x), CountPadding: false, activation));
    }

    private void ImportMaxPool(OperatorCall call)
    {
        Activation activation = ReadActivation(call, 5);
        Value x = Operand(call, 0);
        Emit(call, OpCatalog.MaxPool2d, [x], new MaxPool2dAttributes(ReadPoolWindow(call, x)), activation, keepsGrid: true);
    }

    private Window2d ReadPoolWindow(OperatorCall call, Value x)
    {
        RequireRank4(call, x, x);
        FlatTable options = call.Options;
        return ReadWindow(call, x.Shape, options.Int(4), options.Int(3), (options.Int(2), options.Int(1)), (1, 1));
    }

    private Window2d ReadWindow(OperatorCall call, Shape x, int kernelH, int kernelW, (int H, int W) stride, (int H, int W) dilation)
    {
        ReadOnlySpan<int> numbers = [kernelH, kernelW, stride.H, stride.W, dilation.H, dilation.W];
        foreach (int number in numbers)
            _file.Require(number is >= 1 and <= MaxWindow, call.Place, $"{call.Name} has the kernel size, stride or dilation {number}");
        TfLitePadding padding = (TfLitePadding)call.Options.Byte(0);
        _file.Require(padding is TfLitePadding.SAME or TfLitePadding.VALID, call.Place, $"{call.Name} has the padding scheme {(byte)padding}");
        Window2d window = new(kernelH, kernelW, stride.H, stride.W, dilation.H, dilation.W, default);
        if (padding == TfLitePadding.VALID) return window;
        _file.Require(x[1] <= MaxWindow && x[2] <= MaxWindow, call.Place, $"{call.Name} reads {x}");
        return window with { Padding = Window2d.Same(x[1], x[2], window.ExtentH, window.ExtentW, stride.H, stride.W) };
    }

    private void RequireRank4(OperatorCall call, Value x, Value filter) =>
        _file.Require(x.Shape.Rank == 4 && filter.Shape.Rank == 4, call.Place, $"{call.Name} reads {x.Shape} and {filter.Shape}, expected rank 4");

    private static Activation ReadActivation(OperatorCall call, int field)
    {
        FusedActivation fused = (FusedActivation)call.Options.Byte(field);
        return TfLiteActivations.OfFused(fused) ?? throw Unsupported(call, $"the fused activation {fused}");
    }

    private void EmitWithBias(OperatorCall call, Op op, Value x, Value filter, Func<bool, OpAttributes> attributes)
    {
        bool hasBias = call.Has(2);
        if (hasBias) Emit(call, op, [x, filter, Bias(call, 2)], attributes(true));
        else Emit(call, op, [x, filter], attributes(false));
    }

    private Value Bias(OperatorCall call, int operand)
    {
        ImportedTensor tensor = OperandTensor(call, operand);
        if (tensor.IsConstant && tensor.IsInteger) throw Unsupported(call, "an integer bias without a scale");
        return Operand(call, operand);
    }

    /// <summary>x as a matrix of so many columns.</summary>
    private Value AsRows(OperatorCall call, Value x, int columns)
    {
        if (x.Shape.Rank == 2 && x.Shape[1] == columns) return x;
        _file.Require(x.Shape.ElementCount % columns == 0, call.Place, $"its input {x.Shape} does not divide into rows of {columns}");
        return Step(call, OpCatalog.Reshape, [x], ReshapeTo(x.Shape, [-1, columns]));
    }

    /// <summary>Undoes <see cref="AsRows"/> on a product: the axes of x but for the last, the batch left to follow from the rest.</summary>
    private static ReshapeAttributes LeadingAxesOf(Shape x, int last)
    {
        int[] dims = x.Dims.ToArray();
        dims[0] = -1;
        dims[^1] = last;
        return new ReshapeAttributes(new IntList(dims));
    }

    /// <summary>The filter [c*m,kH,kW,1] of a convolution with one channel a group as a depthwise filter [1,kH,kW,c*m].</summary>
    private Value ToDepthwise(OperatorCall call, Value filter)
    {
        Shape shape = new(1, filter.Shape[1], filter.Shape[2], filter.Shape[0]);
        if (filter.Constant is not { } data) return Step(call, OpCatalog.Transpose, [filter], new TransposeAttributes(new IntList(3, 1, 2, 0)));
        bool isPointwise = shape[1] == 1 && shape[2] == 1;
        return _builder.Constant($"{filter.Name}/depthwise", isPointwise ? data.Reshaped(shape) : Permuted(data, new IntList(3, 1, 2, 0)));
    }

    private TensorData Permuted(TensorData data, IntList perm)
    {
        _file.ChargeCopy(data.Type.SizeBytes, new FlatPlace("constant"));
        return Transpose.Permuted(data, perm);
    }
}
