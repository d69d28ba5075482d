using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Formats;

/// <summary>
/// What one image may cost. The limits are several times what the largest classifiers for phones need; a file beyond them is damaged or hostile, and
/// would take the machine's memory or hang where it should be refused.
/// </summary>
internal static class ModelLimits
{
    /// <summary>Bytes of one activation.</summary>
    public const long ActivationBytes = 512L << 20;

    /// <summary>Bytes of the activations that are needed at the same time.</summary>
    public const long LiveBytes = 768L << 20;

    /// <summary>Multiply-add pairs: EfficientNet-B7 needs 37 billion, VGG-19 20 billion.</summary>
    public const long MultiplyAdds = 60_000_000_000;

    /// <summary>Other arithmetic, the taps of pooling windows included.</summary>
    public const long Elementwise = 4_000_000_000;

    /// <summary>Operators of a model file, those of functions and loops counted as often as they are used: EfficientNet-B7 has about a thousand.</summary>
    public const int Operators = 1 << 14;

    /// <summary>Nodes of the graph that these become.</summary>
    public const int Nodes = 1 << 16;

    /// <summary>Tensors of a model file, or where those are not listed its constants.</summary>
    public const int Tensors = 1 << 16;

    /// <summary>Operands and results of all operators of a model file together.</summary>
    public const int Operands = 1 << 18;

    /// <summary>Tensors of a weight file; entries of its archive may be twice as many.</summary>
    public const int WeightTensors = 1 << 16;

    /// <summary>Elements of a tensor of a weight file.</summary>
    public const int WeightElements = 1 << 28;

    /// <summary>Bytes of what describes the tensors of a weight file: the header of a safetensors file, each pickle of a PyTorch file.</summary>
    public const int WeightHeaderBytes = 16 << 20;

    /// <summary>Values that a pickle may make, on its stack or as copies; a tensor takes about 22.</summary>
    public const int PickleValues = 1 << 20;

    /// <summary>
    /// Bytes that may be unpacked, converted and rearranged while the weights of a file are read: some for each byte of the file, and some for any.
    /// </summary>
    public static long WeightBytes(long fileBytes) => (8 * fileBytes) + (16 << 20);

    /// <summary>The error for a file with more of something than is read.</summary>
    public static ModelFormatException TooMany(string file, long count, string what, long limit) =>
        new(file, "graph",
            $"has {count} {what}; at most {limit} are read. Image classifiers have far fewer, so the file is damaged or holds another kind of model");

    /// <summary>Refuses a graph whose execution for one image goes beyond the limits.</summary>
    /// <exception cref="ModelFormatException">Names the limit, and the node that takes most of it.</exception>
    public static void Check(Graph graph, string file)
    {
        OpCost cost = graph.Cost;
        if (cost.MultiplyAdds > MultiplyAdds)
        {
            throw TooMuch(
                graph, file, $"takes {cost.MultiplyAdds} multiply-adds for one image; at most {MultiplyAdds} are accepted",
                static node => node.Cost.MultiplyAdds);
        }

        if (cost.Elementwise > Elementwise)
        {
            throw TooMuch(
                graph, file, $"takes {cost.Elementwise} operations other than multiply-adds for one image; at most {Elementwise} are accepted",
                static node => node.Cost.Elementwise);
        }

        long live = PeakLiveBytes(graph);
        if (live > LiveBytes)
        {
            throw TooMuch(
                graph, file, $"holds {ByteSize.FormatAtLeast(live)} of activations at the same time; at most {ByteSize.Format(LiveBytes)} are accepted",
                static node => node.Output.Type.SizeBytes);
        }
    }

    private static ModelFormatException TooMuch(Graph graph, string file, string problem, Func<Node, long> measure)
    {
        Node worst = graph.Nodes[0];
        foreach (Node node in graph.Nodes)
        {
            if (measure(node) > measure(worst)) worst = node;
        }

        return new ModelFormatException(file, $"node '{worst.Name}'", $"the graph {problem}; this node takes the most, so its sizes may be wrong");
    }

    /// <summary>The largest sum of activations that live at one step, without the sharing that the memory planner adds.</summary>
    private static long PeakLiveBytes(Graph graph)
    {
        Dictionary<Value, int> lastUses = [];
        for (int step = 0; step < graph.Nodes.Count; step++)
        {
            foreach (Value input in graph.Nodes[step].Inputs) lastUses[input] = step;
        }

        foreach (Value output in graph.Outputs) lastUses[output] = graph.Nodes.Count;
        long live = 0, peak = 0;
        foreach (Value input in graph.Inputs) live += input.Type.SizeBytes;
        for (int step = 0; step < graph.Nodes.Count; step++)
        {
            Node node = graph.Nodes[step];
            foreach (Value output in node.Outputs) live += output.Type.SizeBytes;
            peak = Math.Max(peak, live);
            foreach (Value input in node.Inputs)
            {
                // Removing the entry keeps an operand that stands twice from being freed twice.
                if (!input.IsConstant && lastUses.TryGetValue(input, out int last) && last == step && lastUses.Remove(input)) live -= input.Type.SizeBytes;
            }
        }

        return peak;
    }
}
