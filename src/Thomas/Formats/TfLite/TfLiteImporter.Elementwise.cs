using System;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite;

/// <content>Element-wise operators, normalizations, reductions and conversions.</content>
internal sealed partial class TfLiteImporter
{
    // What the TFLite kernels use; the file does not carry it.
    private const float L2NormEpsilon = 1e-6f;

    private void ImportBinary(OperatorCall call, BinaryOp op, bool canFuse = true) =>
        Emit(call, op, [Operand(call, 0), Operand(call, 1)], activation: canFuse ? ReadActivation(call, 0) : Activation.None);

    private void ImportUnary(OperatorCall call, UnaryOp op) => Emit(call, op, [Operand(call, 0)]);

    internal void ImportActivation(OperatorCall call, Activation activation) =>
        Emit(call, OpCatalog.Activate, [Operand(call, 0)], new ActivateAttributes(activation));

    private void ImportSquare(OperatorCall call)
    {
        Value x = Operand(call, 0);
        Emit(call, OpCatalog.Multiply, [x, x]);
    }

    private void ImportSquaredDifference(OperatorCall call)
    {
        Value difference = Step(call, OpCatalog.Subtract, [Operand(call, 0), Operand(call, 1)]);
        Emit(call, OpCatalog.Multiply, [difference, difference]);
    }

    private void ImportSoftmax(OperatorCall call) =>
        Emit(call, OpCatalog.Softmax, [Operand(call, 0)], new SoftmaxAttributes(Beta: call.Options.IsPresent ? call.Options.Float(0) : 1));

    private void ImportLogSoftmax(OperatorCall call) => Emit(call, OpCatalog.Softmax, [Operand(call, 0)], new SoftmaxAttributes(Logarithm: true));

    private void ImportLocalResponseNorm(OperatorCall call)
    {
        FlatTable options = call.Options;
        int radius = options.Int(0);
        _file.Require(radius is >= 0 and <= MaxWindow, call.Place, $"{call.Name} has the radius {radius}");
        Emit(
            call, OpCatalog.LocalResponseNorm, [Operand(call, 0)],
            new LocalResponseNormAttributes((2 * radius) + 1, options.Float(2), options.Float(3), options.Float(1)));
    }

    /// <summary>y = x / max(sqrt(sum x^2), epsilon) along the last axis.</summary>
    private void ImportL2Norm(OperatorCall call)
    {
        Value x = Operand(call, 0);
        _file.Require(x.Shape.Rank >= 1, call.Place, "L2_NORMALIZATION reads a scalar");
        Value squares = Step(call, OpCatalog.Multiply, [x, x]);
        Value sum = Step(call, OpCatalog.Reduce, [squares], new ReduceAttributes(ReduceKind.Sum, new IntList(x.Shape.Rank - 1), KeepDims: true));
        Value floor = _builder.Constant($"{_tensors[call.Outputs[0]].Name}/epsilon", TensorData.FromFloats(new Shape(1), [L2NormEpsilon]));
        Value norm = Step(call, OpCatalog.Maximum, [Step(call, OpCatalog.Sqrt, [sum]), floor]);
        Emit(call, OpCatalog.Divide, [x, norm]);
    }

    private void ImportReduce(OperatorCall call, ReduceKind kind)
    {
        Value x = Operand(call, 0);
        Emit(call, OpCatalog.Reduce, [x], ReductionOf(call, x, kind));
    }

    private ReduceAttributes ReductionOf(OperatorCall call, Value x, ReduceKind kind)
    {
        IntegerTensor listed = RequiredIntegers(call, 1, "axes");
        int axes = 0;
        foreach (long axis in listed.Values) axes |= 1 << Axis(call, axis, x.Shape.Rank);
        int[] ascending = new int[System.Numerics.BitOperations.PopCount((uint)axes)];
        for (int axis = 0, at = 0; axis < x.Shape.Rank; axis++)
        {
            if ((axes & (1 << axis)) != 0) ascending[at++] = axis;
        }

        return new ReduceAttributes(kind, new IntList(ascending), call.Options.Bool(0));
    }

    /// <summary>DEQUANTIZE, QUANTIZE and CAST: all numbers are real here already, so only a rounding to a new grid is left.</summary>
    private void ImportConversion(OperatorCall call)
    {
        ImportedTensor target = _tensors[call.Outputs[0]];
        bool isReal = target.Type is TfLiteType.FLOAT32 or TfLiteType.FLOAT16;
        if (!isReal && !target.IsQuantized) throw Unsupported(call, $"a result of type {target.Type} without a scale");
        if (Integers(call) is { } integers)
        {
            float[] values = Array.ConvertAll(integers.Values, static value => (float)value);
            _values[call.Outputs[0]] = _builder.Constant(target.Name, TensorData.FromFloats(integers.Shape, values));
            return;
        }

        Alias(call, Operand(call, 0));
    }

    private IntegerTensor? Integers(OperatorCall call) => OperandTensor(call, 0).IsInteger ? Integers(call, 0) : null;

    private int Axis(OperatorCall call, long axis, int rank)
    {
        _file.Require(axis >= -rank && axis < rank, call.Place, $"{call.Name} names axis {axis} of a tensor of rank {rank}");
        return (int)(axis < 0 ? axis + rank : axis);
    }
}
