using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class MatMul
{
    /// <summary>Products again; matrices that serve several products get the sum over them.</summary>
    internal override void Gradient(GradientContext g)
    {
        MatMulAttributes t = g.Attributes<MatMulAttributes>();
        Value dy = g.GradOutput, a = g.Input(0), b = g.Input(1);
        if (g.Needs(0))
        {
            BroadcastGradient.Add(g, 0, t.TransposeA
                ? g.Emit(this, "gradA", [b, dy], new MatMulAttributes(t.TransposeB, TransposeB: true))
                : g.Emit(this, "gradA", [dy, b], new MatMulAttributes(TransposeB: !t.TransposeB)));
        }

        if (g.Needs(1))
        {
            BroadcastGradient.Add(g, 1, t.TransposeB
                ? g.Emit(this, "gradB", [dy, a], new MatMulAttributes(TransposeA: true, t.TransposeA))
                : g.Emit(this, "gradB", [a, dy], new MatMulAttributes(!t.TransposeA)));
        }
    }
}
