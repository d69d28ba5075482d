using System;
using Thomas.Kernels.Activations;

namespace Thomas.Tests.Kernels;

/// <summary>Functions in double precision.</summary>
internal static class ReferenceMath
{
    /// <summary>The definition of an activation.</summary>
    public static double Activate(Activation f, double x) => f.Function.Value(x);

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
