using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators that move, cut, join or reduce: axes are renamed where the operand is in NCHW form.</summary>
internal sealed partial class OnnxEmitter
{
    /// <summary>The end of an axis, however long it is.</summary>
    private const long ToEnd = int.MaxValue;

    private void EmitReduce(Node node)
    {
        ReduceAttributes a = (ReduceAttributes)node.Attributes;
        Value x = node.Inputs[0];
        bool spatial = a.KeepDims && x.Shape.Rank == 4 && a.Axes == new IntList(1, 2);
        (string name, string? pool) = a.Kind switch
        {
            ReduceKind.Mean => ("ReduceMean", "GlobalAveragePool"),
            ReduceKind.Sum => ("ReduceSum", null),
            ReduceKind.Max => ("ReduceMax", "GlobalMaxPool"),
            _ => throw new UnreachableException($"The reduction {a.Kind} has no form in .onnx."),
        };
        if (spatial && pool is not null)
        {
            Add(pool, [Nchw(x)], DefineNchw(node.Output));
            return;
        }

        // Without the reduced axes the order of the others must not depend on the form.
        ReadOnlySpan<int> axes = a.Axes.Items;
        bool orderKept = a.KeepDims || axes.Contains(3) || (axes.Contains(1) && axes.Contains(2));
        bool nchw = PrefersNchw(x) && orderKept;
        string input = Form(x, nchw), output = Define(node.Output, nchw && a.KeepDims);
        long[] mapped = Axes(axes, nchw);
        Array.Sort(mapped);
        if (axes.Length == 0) Add("Identity", [input], output);
        else if (a.Kind == ReduceKind.Sum) Add(name, [input, Longs($"{node.Name}/axes", mapped)], output, Int("keepdims", a.KeepDims ? 1 : 0));
        else Add(name, [input], output, Ints("axes", mapped), Int("keepdims", a.KeepDims ? 1 : 0));
    }

    private void EmitConcat(Node node)
    {
        bool nchw = false;
        foreach (Value input in node.Inputs) nchw |= PrefersNchw(input);
        List<string> operands = [];
        foreach (Value input in node.Inputs) operands.Add(Form(input, nchw));
        int axis = ((ConcatAttributes)node.Attributes).Axis;
        Add("Concat", operands.ToArray(), Define(node.Output, nchw), Int("axis", nchw ? NchwAxis[axis] : axis));
    }

    private void EmitPad(Node node)
    {
        PadAttributes a = (PadAttributes)node.Attributes;
        bool nchw = PrefersNchw(node.Inputs[0]);
        string x = Form(node.Inputs[0], nchw);
        string pads = Longs($"{node.Name}/pads", [.. PerAxis(a.Before, nchw), .. PerAxis(a.After, nchw)]);
        string[] operands = a.Value == 0 ? [x, pads] : [x, pads, Floats($"{node.Name}/value", new Shape(), a.Value)];
        Add("Pad", operands, Define(node.Output, nchw));
    }

    private void EmitSlice(Node node)
    {
        SliceAttributes a = (SliceAttributes)node.Attributes;
        bool nchw = PrefersNchw(node.Inputs[0]);
        string x = Form(node.Inputs[0], nchw);
        List<long> starts = [], ends = [], axes = [], steps = [];
        for (int i = 0; i < a.Begin.Count; i++)
        {
            if (a.Begin[i] == 0 && a.Size[i] == -1 && a.Step[i] == 1) continue;
            starts.Add(a.Begin[i]);
            ends.Add(a.Size[i] < 0 ? ToEnd : a.Size[i] == 0 ? a.Begin[i] : a.Begin[i] + ((a.Size[i] - 1L) * a.Step[i]) + 1);
            axes.Add(nchw ? NchwAxis[i] : i);
            steps.Add(a.Step[i]);
        }

        string y = Define(node.Output, nchw);
        if (axes.Count == 0)
        {
            Add("Identity", [x], y);
            return;
        }

        string[] operands =
        [
            x, Longs($"{node.Name}/starts", starts.ToArray()), Longs($"{node.Name}/ends", ends.ToArray()),
            Longs($"{node.Name}/axes", axes.ToArray()), Longs($"{node.Name}/steps", steps.ToArray()),
        ];
        Add("Slice", operands, y);
    }

    private void EmitReshape(Node node)
    {
        Value x = node.Inputs[0], y = node.Output;
        bool fromNchw = PrefersNchw(x) && OrderIsSameInNchw(x.Shape), toNchw = !_outputs.Contains(y) && OrderIsSameInNchw(y.Shape);
        IntList wanted = ((ReshapeAttributes)node.Attributes).Dims;
        long[] dims = new long[wanted.Count];
        for (int i = 0; i < dims.Length; i++)
        {
            // "Copy this axis" means an axis of the form that is read; only the batch is at the same place in both.
            long size = wanted[i] == 0 && i > 0 ? y.Shape[i] : wanted[i];
            dims[toNchw ? NchwAxis[i] : i] = size;
        }

        string input = Form(x, fromNchw);
        AddReshape(input, Define(y, toNchw), dims);
    }

    /// <summary>Whether the elements of an image are in the same order in both forms: one pixel, or one channel.</summary>
    private static bool OrderIsSameInNchw(Shape shape) => shape.Rank == 4 && Permutation.KeepsOrder(ToNchw, shape);

    private void EmitTranspose(Node node)
    {
        Value x = node.Inputs[0], y = node.Output;
        IntList perm = ((TransposeAttributes)node.Attributes).Perm;
        bool nchw = PrefersNchw(x);
        if (perm == ToNchw)
        {
            _plain.Add(y, Nchw(x));
            return;
        }

        if (perm == Transpose.NchwToNhwc && !(nchw && !_plain.ContainsKey(x)))
        {
            _nchw.Add(y, Plain(x));
            return;
        }

        long[] mapped = Axes(perm.Items, nchw);
        Add("Transpose", [Form(x, nchw)], DefinePlain(y), Ints("perm", mapped));
    }

    private string AddReshape(string x, string y, params ReadOnlySpan<long> dims) => Add("Reshape", [x, Longs($"{y}/dims", dims)], y);

    /// <summary>The sizes with the first left open, so that the batch may change.</summary>
    private static long[] OpenBatch(Shape shape)
    {
        long[] dims = new long[shape.Rank];
        for (int i = 0; i < dims.Length; i++) dims[i] = shape[i];
        if (dims.Length > 0) dims[0] = -1;
        return dims;
    }
}
