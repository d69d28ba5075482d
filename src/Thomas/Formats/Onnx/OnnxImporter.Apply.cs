using System;
using System.Buffers;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Formats.Onnx;

/// <summary>The one place where nodes are added and constants are computed.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>Adds a node, or computes it where all operands are constants.</summary>
    private Operand Apply(OnnxNode node, Op op, ReadOnlySpan<Operand> operands, OpAttributes? attributes = null, string? name = null)
    {
        foreach (Operand operand in operands)
        {
            if (operand.Grid is not null || operand.QuantizedInput is not null) throw node.Unsupported("on 8-bit integers");
        }

        return ApplyToReals(node, op, operands, attributes, name, null);
    }

    /// <summary>As <see cref="Apply"/>, for operators that only move elements: the result lies on the first operand's grid.</summary>
    private Operand Move(OnnxNode node, Op op, Operand operand, OpAttributes attributes, string? name = null)
    {
        Operand moved = ApplyToReals(node, op, [operand], attributes, name, operand.Grid);
        return operand.QuantizedInput is null && !operand.IsDynamic ? moved : new Operand(moved.Name, moved.Value!)
        {
            QuantizedInput = operand.QuantizedInput,
            IsDynamic = operand.IsDynamic,
        };
    }

    private Operand ApplyToReals(OnnxNode node, Op op, ReadOnlySpan<Operand> operands, OpAttributes? attributes, string? name, Grid? grid)
    {
        bool constant = true;
        foreach (Operand operand in operands)
        {
            if (operand.DType != DType.F32) throw node.Unsupported("on integers");
            constant &= operand.IsConstant;
        }

        name ??= node.Name;
        if (constant && Fold(op, operands, attributes, name) is Operand folded) return folded;
        Value[] values = new Value[operands.Length];
        for (int i = 0; i < values.Length; i++) values[i] = StaysHalf(op, i, attributes, operands[i]) ? HalfValueOf(operands[i]) : ValueOf(operands[i]);
        if (++_nodeCount > ModelLimits.Nodes) throw ModelLimits.TooMany(_file, _nodeCount, "nodes or more", ModelLimits.Nodes);
        Value result = _builder.Add(op, values, attributes, name);
        CheckSize(result.Type, $"{node.OpType} node '{node.Name}'");
        return new Operand(name, result, grid);
    }

    private static bool StaysHalf(Op op, int index, OpAttributes? attributes, Operand operand) =>
        operand.IsHalf && StoredWeights.Keeps(op, index, attributes, operand.Stored!.Type.DType);

    /// <summary>The value of a constant of 16-bit floats, as it is.</summary>
    private Value HalfValueOf(Operand operand) => operand.HalfValue ??= _builder.Constant(operand.Name, operand.Stored!);

    /// <summary>The value of an operand, in float32 or what is computed; a constant becomes one of the graph's when it is first read.</summary>
    private Value ValueOf(Operand operand) => operand.Value ??= _builder.Constant(operand.Name, operand.Data!);

    private static Operand Constant(string name, Shape shape, params ReadOnlySpan<float> values) => new(name, TensorData.FromFloats(shape, values.ToArray()));

    private Operand IntegerConstant(string name, Shape shape, ReadOnlySpan<long> values)
    {
        Charge(8L * values.Length);
        return new Operand(name, OnnxTensor.FromLongs(shape, values));
    }

    /// <summary>Runs the definition of an operator over constants; null where that would be too much work for reading a file.</summary>
    private unsafe Operand? Fold(Op op, ReadOnlySpan<Operand> operands, OpAttributes? attributes, string name)
    {
        if (op is Reshape reshape)
        {
            TensorData stored = operands[0].Stored!;
            return new Operand(name, stored.Reshaped(reshape.InferTypes([stored.Type], attributes!)[0].Shape));
        }

        GraphBuilder scratch = new();
        Value[] values = new Value[operands.Length];
        for (int i = 0; i < values.Length; i++) values[i] = scratch.Constant(operands[i].Name, operands[i].Data!);
        Node node = scratch.AddNode(op, values, attributes, name);
        OpCost cost = op.Cost(node);
        long operations = cost.MultiplyAdds + cost.Elementwise + node.Output.Shape.ElementCount;
        if (operations > _operationsLeft) return null;
        _operationsLeft -= operations;
        Charge(node.Output.Type.SizeBytes);
        float[] result = new float[node.Output.Shape.ElementCount];
        RefTensor<float>[] inputs = new RefTensor<float>[operands.Length];
        MemoryHandle[] pins = new MemoryHandle[operands.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            pins[i] = operands[i].Data!.Bytes.Pin();
            inputs[i] = new RefTensor<float>((float*)pins[i].Pointer, operands[i].Shape);
        }

        fixed (float* output = result)
        {
            op.Reference(new ReferenceArgs<float>(node, inputs, [new RefTensor<float>(output, node.Output.Shape)]));
        }

        foreach (MemoryHandle pin in pins) pin.Dispose();
        return new Operand(name, TensorData.FromFloats(node.Output.Shape, result));
    }

    /// <summary>A constant of floats, or an error that says which operand is computed.</summary>
    private static TensorData RequireConstant(OnnxNode node, Operand operand, string role)
    {
        RequireStored(node, operand, role);
        return operand.Data!;
    }

    /// <summary>As <see cref="RequireConstant"/>, but floats of 16 bits stay what they are.</summary>
    private static TensorData RequireStored(OnnxNode node, Operand operand, string role)
    {
        if (operand.Stored is null) throw node.Unsupported($"{role} that is computed from the image");
        return operand.DType == DType.F32 ? operand.Stored : throw node.Fail($"{role} '{operand.Name}' holds {operand.DType}, expected floats");
    }

    /// <summary>
    /// A constant with its axes reordered. Shared between readers, so that a file cannot multiply its weights; no copy where only axes of size 1 move.
    /// </summary>
    private Operand Permuted(OnnxNode node, Operand operand, string role, IntList permutation)
    {
        if (_permuted.TryGetValue((operand, permutation), out Operand? known)) return known;
        TensorData data = RequireStored(node, operand, role);
        if (!Permutation.KeepsOrder(permutation, operand.Shape)) Charge(data.Type.SizeBytes);
        Operand permuted = new(operand.Name, Transpose.Permuted(data, permutation));
        _permuted.Add((operand, permutation), permuted);
        return permuted;
    }

    /// <summary>Applies an operator that wants the channels last to an operand that has them second, and brings the result back to that order.</summary>
    private Operand ApplyChannelsLast(OnnxNode node, Op op, Operand x, ReadOnlySpan<Operand> others, OpAttributes? attributes, bool keepsGrid = false)
    {
        int rank = x.Rank;
        if (rank < 2) throw node.Fail($"operand of shape {x.Shape} has no channel axis");
        Grid? grid = keepsGrid ? x.Grid : null;
        if (!keepsGrid && x.Grid is not null) throw node.Unsupported("on 8-bit integers");
        if (x.QuantizedInput is not null) throw node.Unsupported("on the 8-bit input before it is dequantized");
        if (rank == 2) return ApplyToReals(node, op, [x, .. others], attributes, node.Name, grid);
        int[] toLast = new int[rank], toSecond = new int[rank];
        for (int i = 1; i < rank; i++)
        {
            toLast[i] = i == rank - 1 ? 1 : i + 1;
            toSecond[i] = i == 1 ? rank - 1 : i - 1;
        }

        // The operator carries the file's name, so that it survives once the transposes are gone, unless the transpose is the graph's output.
        bool isOutput = _outputNames.Contains(node.Name);
        Operand last = ApplyToReals(node, OpCatalog.Transpose, [x], new TransposeAttributes(new IntList(toLast)), $"{x.Name}/nhwc", null);
        Operand result = ApplyToReals(node, op, [last, .. others], attributes, isOutput ? $"{node.Name}/nhwc" : node.Name, null);
        return ApplyToReals(
            node, OpCatalog.Transpose, [result], new TransposeAttributes(new IntList(toSecond)), isOutput ? node.Name : $"{node.Name}/nchw", grid);
    }
}
