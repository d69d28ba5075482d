using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas;

/// <summary>
/// Puts the tensors of a weight file into a network whose constants have the names of PyTorch's <c>state_dict</c>, such as
/// <c>layer1.0.conv1.weight</c> and <c>layer1.0.bn1.running_mean</c>.
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
    /// <param name="graph">The network; it stays as it is.</param>
    /// <param name="weights">The tensors.</param>
    /// <param name="allowHeadMismatch">
    /// Whether the last layer may lack tensors or have other sizes, for a network with other classes: it then keeps the graph's own constants, all of them.
    /// </param>
    /// <returns>The new graph, and what was decided on the way.</returns>
    /// <exception cref="ModelFormatException">Tensors are missing, left over or of other sizes; the message lists all of them.</exception>
    public static LoadedWeights Load(Graph graph, WeightFile weights, bool allowHeadMismatch = false)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentNullException.ThrowIfNull(weights);
        WeightMatch match = new(graph, weights);
        match.Run(allowHeadMismatch);
        match.ThrowIfMismatched();
        GraphRewriter rewriter = new(graph);
        foreach ((Value constant, TensorData data) in match.Replacements) rewriter.Set(constant, rewriter.Builder.Constant(constant.Name, data));
        foreach (Node node in graph.Nodes) rewriter.Copy(node);
        List<string> notes = [.. weights.Notes, .. match.Notes];
        return new LoadedWeights(rewriter.Build(), notes);
    }
}
