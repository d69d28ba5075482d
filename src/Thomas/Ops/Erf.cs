using System;
using Thomas.Graphs;
using Thomas.Kernels.Elementwise;

namespace Thomas.Ops;

/// <summary>The error function, which exact GELU is made of; any shape.</summary>
internal sealed class Erf : UnaryOp
{
    /// <summary>Beyond it the function is 1 in double too.</summary>
    private const double Saturation = 6;

    /// <inheritdoc/>
    public override string Name => "Erf";

    /// <inheritdoc/>
    public override string Formula => "y[i] = 2 / sqrt(pi) * integral from 0 to x[i] of e^(-t^2) dt";

    internal override void Gradient(GradientContext g)
    {
        Value x = g.Input(0), square = g.Emit(OpCatalog.Multiply, "square", [x, x]);
        Value bell = g.Emit(OpCatalog.Exp, "bell", [g.Emit(OpCatalog.Negate, "negative", [square])]);
        Value slope = g.Emit(OpCatalog.Multiply, "slope", [bell, g.Scalar(1.12837917f)]);
        g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [g.GradOutput, slope]));
    }

    internal override string OpenClExpression => "erf((x))";

    internal override T Apply<T>(T x) => T.IsNaN(x) ? x : T.CreateTruncating(Value(double.CreateTruncating(x)));

    internal override unsafe void Map(float* x, float* y, nint count) => ElementwiseLoop.Map(default(ErfMap), x, y, count);

    /// <summary>2 / sqrt(pi) * e^(-x^2) * sum of 2^n x^(2n+1) / (2n+1)!!, whose terms all have x's sign.</summary>
    private static double Value(double x)
    {
        if (Math.Abs(x) >= Saturation) return Math.Sign(x);
        double term = x, sum = x;
        for (int n = 1; Math.Abs(term) > Math.Abs(sum) * 1e-17; n++)
        {
            term *= 2 * x * x / ((2 * n) + 1);
            sum += term;
        }

        return 2 / Math.Sqrt(Math.PI) * Math.Exp(-x * x) * sum;
    }
}
