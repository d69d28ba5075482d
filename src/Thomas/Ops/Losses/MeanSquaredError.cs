using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// The squared error of predictions, averaged over a row's elements and summed with a weight for each row: loss = sum_n weights[n] * mean_c (prediction[n,c] -
/// target[n,c])^2. Made of ordinary nodes, so it has their gradients. Weights of 1/n give the batch mean; of 0, rows that do not count.
/// </summary>
internal static class MeanSquaredError
{
    /// <summary>Adds the loss to a graph and returns it, a scalar.</summary>
    /// <param name="builder">The graph under construction.</param>
    /// <param name="prediction">[n, ...].</param>
    /// <param name="target">What it should be; of the same shape.</param>
    /// <param name="weights">[n].</param>
    /// <exception cref="GraphException">The shapes do not fit.</exception>
    public static Value Add(GraphBuilder builder, Value prediction, Value target, Value weights)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(prediction);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(weights);
        Shape shape = prediction.Shape;
        if (shape.Rank < 2 || target.Shape != shape || weights.Shape != new Shape(shape[0]))
        {
            throw new GraphException($"The squared error of {prediction} against {target} with weights {weights}: expects [n,...], the same, and [n].");
        }

        int[] axes = new int[shape.Rank - 1];
        for (int i = 0; i < axes.Length; i++) axes[i] = i + 1;
        Value difference = builder.Add(OpCatalog.Subtract, [prediction, target], name: "loss/difference");
        Value squares = builder.Add(OpCatalog.Multiply, [difference, difference], name: "loss/squares");
        Value rows = builder.Add(OpCatalog.Reduce, [squares], new ReduceAttributes(ReduceKind.Mean, new IntList(axes), KeepDims: false), "loss/rows");
        Value weighted = builder.Add(OpCatalog.Multiply, [rows, weights], name: "loss/weighted");
        return builder.Add(OpCatalog.Reduce, [weighted], new ReduceAttributes(ReduceKind.Sum, new IntList(0), KeepDims: false), "loss");
    }
}
