using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class DepthwiseConv2d
{
    internal override void Gradient(GradientContext g)
    {
        DepthwiseConv2dAttributes a = g.Attributes<DepthwiseConv2dAttributes>();
        Shape x = g.Input(0).Shape;
        Conv2dGradientAttributes attributes = new(a.Window, x[1], x[2], x[3]);
        Value dy = EpilogueGradient.Undo(g, a.Activation);
        if (a.HasBias && g.Needs(2)) g.Add(2, EpilogueGradient.Bias(g, dy));
        if (g.Needs(1)) g.Add(1, g.Emit(OpCatalog.DepthwiseConv2dFilterGradient, "gradWeight", [g.Input(0), dy], attributes));
        if (g.Needs(0)) g.Add(0, g.Emit(OpCatalog.DepthwiseConv2dInputGradient, "gradInput", [dy, g.Input(1)], attributes));
    }
}
