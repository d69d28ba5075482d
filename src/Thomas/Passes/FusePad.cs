using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>Moves zero padding of rows and columns into the convolution that reads it.</summary>
internal static class FusePad
{
    public static Graph Run(Graph graph)
    {
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            Window2d? window = node.Attributes switch
            {
                Conv2dAttributes a => a.Window,
                DepthwiseConv2dAttributes a => a.Window,
                _ => null,
            };
            if (window is null || node.Inputs[0].Producer is not { Attributes: PadAttributes pad } padNode || !IsZeroBorder(pad))
            {
                rewriter.Copy(node);
                continue;
            }

            Padding2d old = window.Value.Padding;
            Window2d merged = window.Value with
            {
                Padding = new Padding2d(old.Top + pad.Before[1], old.Left + pad.Before[2], old.Bottom + pad.After[1], old.Right + pad.After[2]),
            };
            rewriter.Enter(node);
            Value[] inputs = rewriter.MapInputs(node);
            inputs[0] = rewriter.Map(padNode.Inputs[0]);
            OpAttributes attributes = node.Attributes is Conv2dAttributes conv ? conv with { Window = merged } : ((DepthwiseConv2dAttributes)node.Attributes) with { Window = merged };
            rewriter.Set(node.Output, rewriter.Builder.Add(node.Op, inputs, attributes, node.Name));
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    private static bool IsZeroBorder(PadAttributes pad) =>
        pad.Value == 0 && pad.Before.Count == 4 && pad.Before[0] == 0 && pad.After[0] == 0 && pad.Before[3] == 0 && pad.After[3] == 0;
}
