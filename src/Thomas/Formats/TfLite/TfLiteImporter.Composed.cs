using System;
using System.Collections.Generic;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Formats.TfLite;

/// <content>Operators that are spelled out in others, and those that a graph may end in.</content>
internal sealed partial class TfLiteImporter
{
    /// <summary>Pieces that one operator may be cut into; far above what classifiers need.</summary>
    private const int MaxPieces = 512;

    /// <summary>For results that are a decision (the best class), the scores that it is made by.</summary>
    private readonly Dictionary<int, Value> _scores = [];

    /// <summary>For tensors between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, the block: their values here are not spread.</summary>
    private readonly Dictionary<int, (int H, int W)> _spread = [];

    /// <summary>Outputs that are decisions, which are left out.</summary>
    public List<string> Decisions { get; } = [];

    private Value Number(OperatorCall call, float value) =>
        _builder.Constant($"{_tensors[call.Outputs[0]].Name}/number", TensorData.FromFloats(new Shape(), [value]));

    private Value Activated(OperatorCall call, Value x, Activation activation) => Step(call, OpCatalog.Activate, [x], new ActivateAttributes(activation));

    /// <summary>max(x, 0) + e^(min(x, 0)) - 1.</summary>
    private void ImportElu(OperatorCall call)
    {
        Value x = Operand(call, 0);
        Value curve = Step(call, OpCatalog.Exp, [Step(call, OpCatalog.Minimum, [x, Number(call, 0)])]);
        Emit(call, OpCatalog.Add, [Activated(call, x, Activation.Relu), Step(call, OpCatalog.Subtract, [curve, Number(call, 1)])]);
    }

    private void ImportGelu(OperatorCall call)
    {
        Value x = Operand(call, 0), gate;
        if (call.Options.Bool(0))
        {
            Value cube = Step(call, OpCatalog.Multiply, [Step(call, OpCatalog.Multiply, [x, x]), x]);
            Value sum = Step(call, OpCatalog.Add, [x, Step(call, OpCatalog.Multiply, [cube, Number(call, 0.044715f)])]);
            gate = Activated(call, Step(call, OpCatalog.Multiply, [sum, Number(call, 0.797884561f)]), new Activation(ActivationKind.Tanh));
        }
        else
        {
            gate = Step(call, OpCatalog.Erf, [Step(call, OpCatalog.Multiply, [x, Number(call, 0.707106781f)])]);
        }

        Value half = Step(call, OpCatalog.Multiply, [x, Number(call, 0.5f)]);
        Emit(call, OpCatalog.Multiply, [half, Step(call, OpCatalog.Add, [gate, Number(call, 1)])]);
    }

    private void ImportAddN(OperatorCall call)
    {
        Value sum = Operand(call, 0);
        for (int i = 1; i < call.Inputs.Length - 1; i++) sum = Step(call, OpCatalog.Add, [sum, Operand(call, i)]);
        if (call.Inputs.Length == 1) Alias(call, sum);
        else Emit(call, OpCatalog.Add, [sum, Operand(call, call.Inputs.Length - 1)]);
    }

    private void ImportReduceMin(OperatorCall call)
    {
        Value negative = Step(call, OpCatalog.Negate, [Operand(call, 0)]);
        Emit(call, OpCatalog.Negate, [Step(call, OpCatalog.Reduce, [negative], ReductionOf(call, negative, ReduceKind.Max))], keepsGrid: true);
    }

    private void ImportDepthToSpace(OperatorCall call, bool back)
    {
        Value x = Operand(call, 0);
        RequireRank4(call, x, x);
        int block = call.Options.Int(0);
        Shape shape = x.Shape;
        bool fits = block is >= 1 and <= MaxWindow && (back ? shape[3] % ((long)block * block) == 0 : shape[1] % block == 0 && shape[2] % block == 0);
        _file.Require(fits, call.Place, $"{call.Name} has blocks of {block} for {shape}");
        int[] apart = back ? [0, shape[1], shape[2], block, block, shape[3] / block / block] : [0, shape[1] / block, block, shape[2] / block, block, shape[3]];
        int[] joined = back
            ? [0, shape[1] * block, shape[2] * block, shape[3] / block / block]
            : [0, shape[1] / block, shape[2] / block, shape[3] * block * block];
        Value blocks = Step(call, OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(apart)));
        Value ordered = Step(call, OpCatalog.Transpose, [blocks], new TransposeAttributes(new IntList(0, 1, 3, 2, 4, 5)));
        Emit(call, OpCatalog.Reshape, [ordered], new ReshapeAttributes(new IntList(joined)), keepsGrid: true);
    }

    /// <summary>
    /// Any size: where the nearest element is the one that is repeated, by stretching, else axis by axis; an image that keeps its size is passed on.
    /// </summary>
    private void ImportResize(OperatorCall call)
    {
        Value x = Operand(call, 0);
        RequireRank4(call, x, x);
        int[] size = SmallInts(call, RequiredIntegers(call, 1, "a size").Values);
        _file.Require(size.Length == 2 && size[0] >= 1 && size[1] >= 1, call.Place, $"{call.Name} names {size.Length} sizes");
        int height = x.Shape[1], width = x.Shape[2], channels = x.Shape[3];
        if (size[0] == height && size[1] == width)
        {
            Alias(call, x);
            return;
        }

        bool linear = call.Code == BuiltinOperator.RESIZE_BILINEAR;
        if (linear || size[0] % height != 0 || size[1] % width != 0 || call.Options.Bool(0))
        {
            Value rows = Resampled(call, x, 1, size[0], linear);
            Value between = Resampled(call, rows, 2, size[1], linear);
            ImportedTensor target = _tensors[call.Outputs[0]];

            // Between elements there is more to round, even on the same grid.
            if (linear && target.IsQuantized) _values[call.Outputs[0]] = Add(OpCatalog.FakeQuantize, [between], Grid(target), target.Name);
            else Alias(call, between);
            return;
        }

        Value apart = Step(call, OpCatalog.Reshape, [x], new ReshapeAttributes(new IntList(0, height, 1, width, 1, channels)));
        Value repeated = Step(call, OpCatalog.Add, [apart, Zeros(call, new Shape(size[0] / height, 1, size[1] / width, 1))]);
        Emit(call, OpCatalog.Reshape, [repeated], new ReshapeAttributes(new IntList(0, size[0], size[1], channels)), keepsGrid: true);
    }

    /// <summary>Resamples along one axis: the nearest element, or a weighted sum of the two around.</summary>
    private Value Resampled(OperatorCall call, Value x, int axis, int size, bool linear)
    {
        int length = x.Shape[axis];
        if (size == length) return x;
        RequireSize(new TensorType(DType.F32, new Shape(size)), call.Place);
        _file.ChargeCopy(16L * size, call.Place);
        bool corners = call.Options.Bool(linear ? 2 : 0) && size > 1, centers = call.Options.Bool(linear ? 3 : 1);
        float scale = corners ? (length - 1) / (float)(size - 1) : length / (float)size;
        int[] below = new int[size], above = new int[size];
        float[] share = new float[size], rest = new float[size];
        for (int i = 0; i < size; i++)
        {
            // As the runtime computes it, in single precision.
            if (!linear)
            {
                float nearest = (i + (centers ? 0.5f : 0)) * scale;
                below[i] = Math.Clamp((int)(corners ? MathF.Round(nearest, MidpointRounding.AwayFromZero) : MathF.Floor(nearest)), 0, length - 1);
                continue;
            }

            float at = centers ? ((i + 0.5f) * scale) - 0.5f : i * scale;
            below[i] = Math.Clamp((int)MathF.Floor(at), 0, length - 1);
            above[i] = Math.Min(below[i] + 1, length - 1);
            share[i] = Math.Clamp(at - below[i], 0, 1);
            rest[i] = 1 - share[i];
        }

        Value low = Picked(call, x, axis, below);
        if (!linear) return low;
        int[] dims = [1, 1, 1, 1];
        dims[axis] = size;
        Value first = Step(
            call, OpCatalog.Multiply, [low, _builder.Constant($"{_tensors[call.Outputs[0]].Name}/rest{axis}", TensorData.FromFloats(new Shape(dims), rest))]);
        Value second = Step(
            call, OpCatalog.Multiply,
            [Picked(call, x, axis, above), _builder.Constant($"{_tensors[call.Outputs[0]].Name}/share{axis}", TensorData.FromFloats(new Shape(dims), share))]);
        return Step(call, OpCatalog.Add, [first, second]);
    }

    /// <summary>Zeros that stretch what they are added to.</summary>
    private Value Zeros(OperatorCall call, Shape shape)
    {
        RequireSize(new TensorType(DType.F32, shape), call.Place);
        _file.ChargeCopy(4L * shape.ElementCount, call.Place);
        return _builder.Constant($"{_tensors[call.Outputs[0]].Name}/zeros", TensorData.FromFloats(shape, new float[shape.ElementCount]));
    }

    private void ImportBroadcastTo(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int[] dims = SmallInts(call, RequiredIntegers(call, 1, "a shape").Values), zeros = (int[])dims.Clone();
        _file.Require(
            dims.Length <= Shape.MaxRank && Array.TrueForAll(dims, static dim => dim > 0) && Shape.TryBroadcast(x.Shape, new Shape(dims), out Shape full)
            && full == new Shape(dims), call.Place, $"{x.Shape} does not stretch to [{string.Join(',', dims)}]");
        for (int i = 0; i < zeros.Length; i++)
        {
            int own = i - (dims.Length - x.Shape.Rank);
            if (own >= 0 && x.Shape[own] == dims[i]) zeros[i] = 1;
        }

        Emit(call, OpCatalog.Add, [x, Zeros(call, new Shape(zeros))], keepsGrid: true);
    }

    private void ImportTile(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int[] repeats = SmallInts(call, RequiredIntegers(call, 1, "repeats").Values);
        _file.Require(repeats.Length == x.Shape.Rank, call.Place, $"TILE has {repeats.Length} repeats for {x.Shape}");
        for (int axis = 0; axis < repeats.Length; axis++)
        {
            if (repeats[axis] == 1) continue;
            if (axis == 0 || repeats[axis] is < 1 or > MaxPieces) throw Unsupported(call, axis == 0 ? "repeats of the batch" : "that many repeats");
            Value[] copies = new Value[repeats[axis]];
            Array.Fill(copies, x);
            x = Step(call, OpCatalog.Concat, copies, new ConcatAttributes(axis));
        }

        Alias(call, x);
    }

    private void ImportMirrorPad(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int rank = x.Shape.Rank, symmetric = call.Options.Byte(0);
        int[] pads = SmallInts(call, RequiredIntegers(call, 1, "pads").Values);
        _file.Require(pads.Length == 2 * rank && symmetric is 0 or 1, call.Place, $"MIRROR_PAD has {pads.Length} pads for {x.Shape}");
        for (int axis = 0; axis < rank; axis++)
        {
            int before = pads[2 * axis], after = pads[(2 * axis) + 1], length = x.Shape[axis], most = length - 1 + symmetric;
            _file.Require(
                before >= 0 && after >= 0 && before <= most && after <= most, call.Place, $"MIRROR_PAD mirrors more than axis {axis} of {x.Shape} has");
            if (before == 0 && after == 0) continue;
            int[] indices = new int[before + length + after];
            for (int i = 0; i < indices.Length; i++)
            {
                int at = i - before;
                indices[i] = at < 0 ? -at - symmetric : at >= length ? (2 * length) - 2 + symmetric - at : at;
            }

            x = Picked(call, x, axis, indices);
        }

        Alias(call, x);
    }

    /// <summary>Picks elements along an axis in any order: a slice for each run of neighbors.</summary>
    private Value Picked(OperatorCall call, Value x, int axis, ReadOnlySpan<int> indices)
    {
        List<Value> pieces = [];
        for (int i = 0; i < indices.Length;)
        {
            int length = 1, rank = x.Shape.Rank;
            while (i + length < indices.Length && indices[i + length] == indices[i] + length) length++;
            if (pieces.Count == MaxPieces) throw Unsupported(call, $"more than {MaxPieces} pieces");
            int[] begin = new int[rank], size = new int[rank], step = new int[rank];
            Array.Fill(size, -1);
            Array.Fill(step, 1);
            begin[axis] = indices[i];
            size[axis] = length;
            pieces.Add(Step(call, OpCatalog.Slice, [x], new SliceAttributes(new IntList(begin), new IntList(size), new IntList(step))));
            i += length;
        }

        return pieces.Count == 1 ? pieces[0] : Step(call, OpCatalog.Concat, pieces.ToArray(), new ConcatAttributes(axis));
    }

    private void ImportGather(OperatorCall call)
    {
        Value x = Operand(call, 0);
        IntegerTensor wanted = RequiredIntegers(call, 1, "indices");
        int axis = Axis(call, call.Options.Int(0), x.Shape.Rank);
        if (axis == 0 && x.Shape.Rank > 1) throw Unsupported(call, "indices of the batch");
        _file.Require(wanted.Values.Length > 0, call.Place, "GATHER picks nothing");
        int[] indices = new int[wanted.Values.Length];
        for (int i = 0; i < indices.Length; i++)
        {
            _file.Require(
                wanted.Values[i] >= 0 && wanted.Values[i] < x.Shape[axis], call.Place, $"GATHER picks {wanted.Values[i]} along axis {axis} of {x.Shape}");
            indices[i] = (int)wanted.Values[i];
        }

        Value picked = Picked(call, x, axis, indices);
        Emit(
            call, OpCatalog.Reshape, [picked], ReshapeTo(picked.Shape, [.. x.Shape.Dims[..axis], .. wanted.Shape.Dims, .. x.Shape.Dims[(axis + 1)..]]),
            keepsGrid: true);
    }

    private void ImportPack(OperatorCall call)
    {
        Value first = Operand(call, 0);
        int rank = first.Shape.Rank, axis = Axis(call, call.Options.Int(1), rank + 1);
        Value[] parts = new Value[call.Inputs.Length];
        for (int i = 0; i < parts.Length; i++)
        {
            Value part = Operand(call, i);
            _file.Require(part.Shape == first.Shape, call.Place, $"PACK joins {part.Shape} and {first.Shape}");
            parts[i] = Step(call, OpCatalog.Reshape, [part], ReshapeTo(part.Shape, [.. part.Shape.Dims[..axis], 1, .. part.Shape.Dims[axis..]]));
        }

        Emit(call, OpCatalog.Concat, parts, new ConcatAttributes(axis), keepsGrid: true);
    }

    private void ImportUnpack(OperatorCall call)
    {
        Value x = Operand(call, 0);
        int axis = Axis(call, call.Options.Int(1), x.Shape.Rank);
        _file.Require(call.Outputs.Length == x.Shape[axis], call.Place, $"UNPACK cuts {x.Shape} into {call.Outputs.Length} parts along axis {axis}");
        for (int i = 0; i < call.Outputs.Length; i++)
        {
            Value part = Picked(call, x, axis, [i]);
            Emit(call, OpCatalog.Reshape, [part], ReshapeTo(part.Shape, [.. x.Shape.Dims[..axis], .. x.Shape.Dims[(axis + 1)..]]), keepsGrid: true, result: i);
        }
    }

    /// <summary>
    /// Old converters write a dilated convolution as a plain one on an image that is spread over the batch. The image stays whole here: what spreads it
    /// pads, the convolution in between becomes dilated, and what brings it together crops.
    /// </summary>
    private void ImportSpaceToBatch(OperatorCall call)
    {
        Value x = Operand(call, 0);
        RequireRank4(call, x, x);
        (int H, int W) block = Block(call);
        int[] pads = SmallInts(call, RequiredIntegers(call, 2, "pads").Values);
        _file.Require(
            pads.Length == 4 && Array.TrueForAll(pads, static pad => pad is >= 0 and <= MaxWindow), call.Place, $"{call.Name} has {pads.Length} pads");
        _file.Require(
            (x.Shape[1] + pads[0] + pads[1]) % block.H == 0 && (x.Shape[2] + pads[2] + pads[3]) % block.W == 0, call.Place,
            $"blocks of {block.H}x{block.W} do not divide {x.Shape}");
        _values[call.Outputs[0]] = Step(call, OpCatalog.Pad, [x], new PadAttributes(new IntList(0, pads[0], pads[2], 0), new IntList(0, pads[1], pads[3], 0)));
        _spread[call.Outputs[0]] = block;
    }

    private void ImportBatchToSpace(OperatorCall call)
    {
        Value x = Operand(call, 0);
        RequireRank4(call, x, x);
        if (!_spread.TryGetValue(call.Inputs[0], out (int H, int W) block) || block != Block(call))
        {
            throw Unsupported(call, "a batch that was not spread with the same blocks");
        }

        int[] crops = SmallInts(call, RequiredIntegers(call, 2, "crops").Values);
        bool fits = crops.Length == 4 && Array.TrueForAll(crops, static crop => crop is >= 0 and <= MaxWindow) && crops[0] + crops[1] < x.Shape[1]
            && crops[2] + crops[3] < x.Shape[2];
        _file.Require(fits, call.Place, $"{call.Name} crops all of {x.Shape}");
        int[] size = [-1, x.Shape[1] - crops[0] - crops[1], x.Shape[2] - crops[2] - crops[3], -1];
        Emit(
            call, OpCatalog.Slice, [x], new SliceAttributes(new IntList(0, crops[0], crops[2], 0), new IntList(size), new IntList(1, 1, 1, 1)),
            keepsGrid: true);
    }

    private (int H, int W) Block(OperatorCall call)
    {
        int[] block = SmallInts(call, RequiredIntegers(call, 1, "a block").Values);
        _file.Require(
            block.Length == 2 && block[0] is >= 1 and <= MaxWindow && block[1] is >= 1 and <= MaxWindow, call.Place,
            $"{call.Name} has a block of {block.Length} numbers");
        return (block[0], block[1]);
    }

    /// <summary>The dilation that a convolution gets from its spread input.</summary>
    private (int H, int W) Spread(OperatorCall call, (int H, int W) stride, (int H, int W) dilation)
    {
        if (!_spread.TryGetValue(call.Inputs[0], out (int H, int W) block)) return dilation;
        if (stride != (1, 1) || (TfLitePadding)call.Options.Byte(0) != TfLitePadding.VALID)
        {
            throw Unsupported(call, "strides or padding over a batch that is spread");
        }

        _file.Require((long)dilation.H * block.H <= MaxWindow && (long)dilation.W * block.W <= MaxWindow, call.Place, $"{call.Name} has too large a dilation");
        return (dilation.H * block.H, dilation.W * block.W);
    }

    /// <summary>What follows a spread tensor must keep its form, or bring it together.</summary>
    private void FollowSpread(OperatorCall call, Action import)
    {
        (int H, int W)? block = null;
        if (_spread.Count > 0)
        {
            foreach (int index in call.Inputs)
            {
                if (index >= 0 && _spread.TryGetValue(index, out (int H, int W) found)) block ??= found;
            }
        }

        if (block is null)
        {
            import();
            return;
        }

        bool keepsForm = call.Code is BuiltinOperator.CONV_2D or BuiltinOperator.DEPTHWISE_CONV_2D or BuiltinOperator.RELU or BuiltinOperator.RELU6
            or BuiltinOperator.ADD or BuiltinOperator.MUL;
        if (!keepsForm && call.Code != BuiltinOperator.BATCH_TO_SPACE_ND) throw Unsupported(call, "a batch that is spread");
        import();
        if (keepsForm) _spread[call.Outputs[0]] = block.Value;
    }

    /// <summary>The best class, or what is made of it, is no longer read; whether the call is such.</summary>
    private bool IsDecision(OperatorCall call)
    {
        Value? scores = null;
        foreach (int index in call.Inputs)
        {
            if (index >= 0 && _scores.TryGetValue(index, out Value? found)) scores ??= found;
        }

        if (scores is null && call.Code is BuiltinOperator.ARG_MAX or BuiltinOperator.ARG_MIN or BuiltinOperator.TOPK_V2 && call.Has(0)
            && !OperandTensor(call, 0).IsInteger)
        {
            scores = Operand(call, 0);
        }

        if (scores is null) return false;
        foreach (int index in call.Outputs) _scores[index] = scores;
        return true;
    }
}
