using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas;

/// <summary>
/// Puts the tensors of a weight file into a network. Its constants have the names of PyTorch's <c>state_dict</c>, such as
/// <c>layer1.0.conv1.weight</c> and <c>layer1.0.bn1.running_mean</c>; a file with other names is matched by order and size.
/// </summary>
/// <example>
/// <code>
/// LoadedWeights loaded = WeightLoader.Load(graph, WeightFile.Load("mobilenet_v2.safetensors"), allowHeadMismatch: true);
/// </code>
/// </example>
public static class WeightLoader
{
    /// <summary>
    /// Replaces the constants of a graph by the tensors of the same name, moved from PyTorch's layout (OIHW filters, flattened images channel by
    /// channel) to the graph's (OHWI, pixel by pixel). Where the file has batch normalization folded into a convolution's bias and the graph has not, the
    /// bias becomes the normalization's shift, and the rest of it the identity. <c>num_batches_tracked</c> is ignored.
    /// </summary>
    /// <remarks>
    /// If the names differ, the layers of the file are matched with those of the graph in the order in which they stand, where the sizes of all agree. Prefixes
    /// such as <c>model.</c> or <c>backbone.</c> are left out. Where sizes and names do not say for certain which layer is which, the weights are refused.
    /// </remarks>
    /// <param name="graph">The network; it stays as it is.</param>
    /// <param name="weights">The tensors.</param>
    /// <param name="allowHeadMismatch">
    /// Whether the last layer may lack tensors or have other sizes, for a network with other classes: it then keeps the graph's own constants, all of them.
    /// </param>
    /// <returns>The new graph, and what was decided on the way.</returns>
    /// <exception cref="WeightMismatchException">Tensors are missing, left over or of other sizes.</exception>
    public static LoadedWeights Load(Graph graph, WeightFile weights, bool allowHeadMismatch = false)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        List<WeightView> views = WeightView.Of(weights);
        List<GraphUnit> units = LayerAlignment.UnitsOf(graph);
        foreach (bool allow in allowHeadMismatch ? [false, true] : new[] { false })
        {
            List<(WeightMatch Match, WeightView View)> found = [];
            foreach (WeightView view in views)
            {
                if (Match(graph, units, view, allow) is WeightMatch match) found.Add((match, view));
            }

            if (found.Count == 0) continue;
            (WeightMatch chosen, WeightView from) = WeightView.Choose(found, weights.Name);
            return new LoadedWeights(Replaced(graph, chosen), [.. chosen.FileNotes, .. chosen.Notes, .. from.Notes]);
        }

        throw Mismatch(graph, units, views, allowHeadMismatch);
    }

    /// <summary>
    /// Finds out which published network weights belong to: architecture, width, input and, where the weights show it, variant. What they do not show (an
    /// activation, a padding, strides) is taken from the repository whose names the file has, or from the published network, and the notes say so.
    /// </summary>
    /// <param name="weights">The tensors.</param>
    /// <param name="architecture">The architecture, where it is known; null tries all of <see cref="ArchitectureCatalog"/>.</param>
    /// <param name="variant">Words of <see cref="Architecture.Variants"/> that are known.</param>
    /// <param name="allowHeadMismatch">Whether the last layer may be missing or not be one layer.</param>
    /// <returns>What to build; the number of classes is that of the file.</returns>
    /// <exception cref="WeightMismatchException">They belong to none; the lines begin with the nearest.</exception>
    public static RecognizedNetwork Recognize(
        WeightFile weights, Architecture? architecture = null, string variant = "", bool allowHeadMismatch = false)
        => Recognize(weights, architecture, variant, allowHeadMismatch, default);

    /// <summary>As <see cref="Recognize(WeightFile, Architecture?, string, bool)"/>; many networks may have to be tried.</summary>
    internal static RecognizedNetwork Recognize(
        WeightFile weights, Architecture? architecture, string variant, bool allowHeadMismatch, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(variant);
        return new NetworkSearch(weights, architecture, variant, cancellation).Find(allowHeadMismatch);
    }

    /// <summary>The tensor for each parameter, by name or by order; null where they do not fit.</summary>
    internal static WeightMatch? Match(Graph graph, List<GraphUnit> units, WeightView view, bool allowHeadMismatch)
    {
        WeightMatch match = new(graph, view.File);
        match.Run(allowHeadMismatch);
        if (match.IsWhole) return match;
        LayerAlignment alignment = LayerAlignment.Find(units, view.Units, view.Problem, allowHeadMismatch);
        if (alignment.Pairs.Count == 0) return null;
        match = new WeightMatch(graph, AlignedWeights.Of(view.File, alignment));
        match.Run(allowHeadMismatch);
        return match.IsWhole ? match : null;
    }

    private static Graph Replaced(Graph graph, WeightMatch match)
    {
        GraphRewriter rewriter = new(graph);
        foreach ((Value constant, TensorData data) in match.Replacements) rewriter.Set(constant, rewriter.Builder.Constant(constant.Name, data));
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        return rewriter.Build();
    }

    private static WeightMismatchException Mismatch(Graph graph, List<GraphUnit> units, List<WeightView> views, bool allowHeadMismatch)
    {
        WeightMatch? nearest = null;
        WeightView? nearestView = null;
        foreach (WeightView view in views)
        {
            WeightMatch match = new(graph, view.File);
            match.Run(allowHeadMismatch);
            if (nearest is not null && match.Wrong >= nearest.Wrong) continue;
            nearest = match;
            nearestView = view;
        }

        List<string> lines = ["the weights do not fit the network (sizes in PyTorch's order)"];
        LayerAlignment alignment = LayerAlignment.Find(units, nearestView!.Units, nearestView.Problem, allowHeadMismatch);
        if (alignment.Problem.Length > 0) lines.Add(alignment.Problem);
        lines.AddRange(nearest!.Describe());
        return new WeightMismatchException(views[0].File.Name, lines);
    }
}
