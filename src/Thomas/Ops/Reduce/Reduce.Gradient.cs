using System;
using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class Reduce
{
    /// <summary>
    /// Sum: dy for every element; mean: dy / count; maximum: dy for the first element, in row-major order of the reduced axes, that is the largest.
    /// </summary>
    internal override void Gradient(GradientContext g)
    {
        ReduceAttributes a = g.Attributes<ReduceAttributes>();
        Shape x = g.Input(0).Shape, kept = x;
        foreach (int axis in a.Axes.Items) kept = kept.With(axis, 1);
        int count = x.ElementCount / kept.ElementCount;
        g.Add(0, a.Kind switch
        {
            ReduceKind.Max when kept != x => Maximum(g, a.Axes),
            ReduceKind.Mean when count > 1 => Repeat(g.Emit(OpCatalog.Divide, "gradShare", [g.GradOutput, g.Scalar(count)])),
            ReduceKind.Mean or ReduceKind.Sum or ReduceKind.Max => Repeat(g.GradOutput),
            _ => throw new UnreachableException($"{a.Kind} has no gradient."),
        });

        Value Repeat(Value dy) => BroadcastGradient.Repeat(g, BroadcastGradient.Reshape(g, dy, kept), x);
    }

    /// <summary>Brings the reduced axes together, then gives each group's gradient to its first maximum.</summary>
    private static Value Maximum(GradientContext g, IntList axes)
    {
        Shape x = g.Input(0).Shape;
        int begin = axes[0];
        bool together = axes[axes.Count - 1] - begin == axes.Count - 1;
        IntList order = Permutation.Identity(x.Rank);
        if (!together)
        {
            order = ReducedLast(x.Rank, axes);
            begin = x.Rank - axes.Count;
        }

        Value source = together ? g.Input(0) : g.Emit(OpCatalog.Transpose, "transposed", [g.Input(0)], new TransposeAttributes(order));
        Shape shape = source.Shape;
        int outer = shape.Product(0, begin), reduced = shape.Product(begin, begin + axes.Count), inner = shape.Product(begin + axes.Count, x.Rank);
        Value gradient = g.Emit(
            OpCatalog.ReduceMaxGradient,
            "gradInput",
            [
                BroadcastGradient.Reshape(g, source, new Shape(outer, reduced, inner)),
                BroadcastGradient.Reshape(g, g.Output, new Shape(outer, inner)),
                BroadcastGradient.Reshape(g, g.GradOutput, new Shape(outer, inner)),
            ]);
        gradient = BroadcastGradient.Reshape(g, gradient, shape);
        return together ? gradient : g.Emit(OpCatalog.Transpose, "gradTransposed", [gradient], new TransposeAttributes(Permutation.Invert(order)));
    }

    private static IntList ReducedLast(int rank, IntList axes)
    {
        int[] order = new int[rank];
        int at = 0;
        for (int axis = 0; axis < rank; axis++)
        {
            if (!axes.Items.Contains(axis)) order[at++] = axis;
        }

        foreach (int axis in axes.Items) order[at++] = axis;
        return new IntList(order);
    }
}
