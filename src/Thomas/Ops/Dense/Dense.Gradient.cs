using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class Dense
{
    internal override void Gradient(GradientContext g)
    {
        DenseAttributes a = g.Attributes<DenseAttributes>();
        Value dy = EpilogueGradient.Undo(g, a.Activation);
        if (a.HasBias && g.Needs(2)) g.Add(2, EpilogueGradient.Bias(g, dy));
        if (g.Needs(0)) g.Add(0, g.Emit(OpCatalog.MatMul, "gradInput", [dy, g.Input(1)], new MatMulAttributes()));
        if (g.Needs(1)) g.Add(1, g.Emit(OpCatalog.MatMul, "gradWeight", [dy, g.Input(0)], new MatMulAttributes(TransposeA: true)));
    }
}
