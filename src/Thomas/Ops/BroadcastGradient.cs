using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>What the gradients of operators that broadcast share: an element that was stretched gets the sum over its copies.</summary>
internal static class BroadcastGradient
{
    /// <summary>Adds the gradient of an operand from what it would be had the operand the result's shape.</summary>
    public static void Add(GradientContext g, int input, Value gradient) => g.Add(input, SumTo(g, gradient, g.Input(input).Shape));

    /// <summary>Adds dy * H(larger - smaller): the whole of it where the first is larger, half where they are equal, nothing elsewhere.</summary>
    public static void AddShare(GradientContext g, int input, Value larger, Value smaller)
    {
        Value share = g.Emit(OpCatalog.Heaviside, "share", [larger, smaller]);
        Add(g, input, g.Emit(OpCatalog.Multiply, "gradShare", [g.GradOutput, share]));
    }

    /// <summary>
    /// Sums over the axes along which a tensor of the given shape stretches. Axes that are neighbors go in one sum, so no sum needs a transpose.
    /// </summary>
    public static Value SumTo(GradientContext g, Value gradient, Shape shape)
    {
        Shape full = gradient.Shape;
        int lead = full.Rank - shape.Rank;
        for (int axis = full.Rank - 1; axis >= 0; axis--)
        {
            int last = axis;
            while (axis >= 0 && full[axis] != 1 && (axis < lead || shape[axis - lead] == 1)) axis--;
            if (axis == last) continue;
            int[] axes = new int[last - axis];
            for (int i = 0; i < axes.Length; i++) axes[i] = axis + 1 + i;
            gradient = g.Emit(OpCatalog.Reduce, "gradSum", [gradient], new ReduceAttributes(ReduceKind.Sum, new IntList(axes), KeepDims: true));
        }

        return Reshape(g, gradient, shape);
    }

    /// <summary>The value stretched to a shape; itself where it has that shape.</summary>
    public static Value Repeat(GradientContext g, Value value, Shape shape) =>
        value.Shape == shape ? value : g.Emit(OpCatalog.BroadcastTo, "repeated", [value], new BroadcastToAttributes(new IntList(shape.Dims)));

    /// <summary>The value under another shape; itself where it has that shape.</summary>
    public static Value Reshape(GradientContext g, Value value, Shape shape) =>
        value.Shape == shape ? value : g.Emit(OpCatalog.Reshape, "reshaped", [value], ReshapeAttributes.To(shape));
}
