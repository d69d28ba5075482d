using Thomas.Graphs;

namespace Thomas.Ops;

internal sealed partial class Softmax
{
    /// <summary>dx = beta * y * (dy - sum dy * y), or of the logarithm beta * (dy - e^y * sum dy).</summary>
    internal override void Gradient(GradientContext g)
    {
        SoftmaxAttributes a = g.Attributes<SoftmaxAttributes>();
        Value dy = g.GradOutput, y = g.Output, gradient;
        ReduceAttributes sum = new(ReduceKind.Sum, new IntList(y.Shape.Rank - 1), KeepDims: true);
        if (a.Logarithm)
        {
            Value probabilities = g.Emit(OpCatalog.Exp, "probabilities", [y]);
            Value share = g.Emit(OpCatalog.Multiply, "gradShare", [probabilities, g.Emit(OpCatalog.Reduce, "gradSum", [dy], sum)]);
            gradient = g.Emit(OpCatalog.Subtract, "gradInput", [dy, share]);
        }
        else
        {
            Value product = g.Emit(OpCatalog.Multiply, "gradProduct", [dy, y]);
            Value centered = g.Emit(OpCatalog.Subtract, "gradCentered", [dy, g.Emit(OpCatalog.Reduce, "gradSum", [product], sum)]);
            gradient = g.Emit(OpCatalog.Multiply, "gradInput", [centered, y]);
        }

        g.Add(0, a.Beta == 1 ? gradient : g.Emit(OpCatalog.Multiply, "gradScaled", [gradient, g.Scalar(a.Beta)]));
    }
}
