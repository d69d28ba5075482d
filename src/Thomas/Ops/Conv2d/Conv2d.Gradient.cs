using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class Conv2d
{
    internal override void Gradient(GradientContext g)
    {
        Conv2dAttributes a = g.Attributes<Conv2dAttributes>();
        Shape x = g.Input(0).Shape;
        Conv2dGradientAttributes attributes = new(a.Window, x[1], x[2], a.Groups);
        Value dy = EpilogueGradient.Undo(g, a.Activation);
        int residual = g.Node.Inputs.Count - 1;
        if (a.HasResidual && g.Needs(residual)) g.Add(residual, dy);
        if (a.HasBias && g.Needs(2)) g.Add(2, EpilogueGradient.Bias(g, dy));
        if (g.Needs(1)) g.Add(1, g.Emit(OpCatalog.Conv2dFilterGradient, "gradWeight", [g.Input(0), dy], attributes));
        if (g.Needs(0)) g.Add(0, g.Emit(OpCatalog.Conv2dInputGradient, "gradInput", [dy, g.Input(1)], attributes));
    }
}
