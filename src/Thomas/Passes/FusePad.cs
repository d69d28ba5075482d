using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>Moves zero padding of rows and columns into the convolution that reads it.</summary>
internal static class FusePad
{
    public static Graph Run(Graph graph)
    {
        if (!HasPad(graph)) return EliminateDeadNodes.Run(graph);
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (PadOf(node) is not Node padNode)
            {
                rewriter.Copy(node);
                continue;
            }

            PadAttributes pad = (PadAttributes)padNode.Attributes;
            Window2d window = WindowOf(node)!.Value;
            Padding2d old = window.Padding;
            Window2d merged = window with
            {
                Padding = new Padding2d(old.Top + pad.Before[1], old.Left + pad.Before[2], old.Bottom + pad.After[1], old.Right + pad.After[2]),
            };
            rewriter.Enter(node);
            Value[] inputs = rewriter.MapInputs(node);
            inputs[0] = rewriter.Map(padNode.Inputs[0]);
            OpAttributes attributes = node.Attributes is Conv2dAttributes conv
                ? conv with { Window = merged }
                : ((DepthwiseConv2dAttributes)node.Attributes) with { Window = merged };
            rewriter.Set(node.Output, rewriter.Builder.Add(node.Op, inputs, attributes, node.Name));
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    private static bool HasPad(Graph graph)
    {
        foreach (Node node in graph.Nodes)
        {
            if (PadOf(node) is not null) return true;
        }

        return false;
    }

    private static Window2d? WindowOf(Node node) => node.Attributes switch
    {
        Conv2dAttributes a => a.Window,
        DepthwiseConv2dAttributes a => a.Window,
        _ => null,
    };

    /// <summary>The padding before a convolution, if it can move into that.</summary>
    private static Node? PadOf(Node node) =>
        WindowOf(node) is not null && node.Inputs[0].Producer is { Attributes: PadAttributes pad } before && IsZeroBorder(pad) ? before : null;

    private static bool IsZeroBorder(PadAttributes pad) =>
        pad.Value == 0 && pad.Before.Count == 4 && pad.Before[0] == 0 && pad.After[0] == 0 && pad.Before[3] == 0 && pad.After[3] == 0;
}
