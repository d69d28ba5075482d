using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class BatchNorm
{
    /// <summary>
    /// dx = dy * scale * r; dScale = r * sum dy * (x - mean); dShift = sum dy; r = 1 / sqrt(variance + epsilon). The statistics are stored, so nothing flows
    /// through them.
    /// </summary>
    internal override void Gradient(GradientContext g)
    {
        if (g.Needs(3) || g.Needs(4)) throw new GraphException($"{g.Node}: stored statistics cannot be trained");
        Value dy = g.GradOutput, scale = g.Input(1);
        if (g.Needs(2)) BroadcastGradient.Add(g, 2, dy);
        if (!g.Needs(0) && !g.Needs(1)) return;
        Value variance = g.Emit(OpCatalog.Add, "variance", [g.Input(4), g.Scalar(g.Attributes<BatchNormAttributes>().Epsilon)]);
        Value reciprocal = g.Emit(OpCatalog.Rsqrt, "rstd", [variance]);
        if (g.Needs(1))
        {
            Value centered = g.Emit(OpCatalog.Subtract, "centered", [g.Input(0), g.Input(3)]);
            Value sum = BroadcastGradient.SumTo(g, g.Emit(OpCatalog.Multiply, "gradProduct", [dy, centered]), scale.Shape);
            g.Add(1, g.Emit(OpCatalog.Multiply, "gradScale", [sum, reciprocal]));
        }

        if (g.Needs(0)) g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [dy, g.Emit(OpCatalog.Multiply, "factor", [scale, reciprocal])]));
    }
}
