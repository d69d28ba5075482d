using System;
using Thomas.Kernels.Elementwise;

namespace Thomas.Tests.Kernels;

/// <summary>The activations in double precision, straight from their formulas.</summary>
internal static class ReferenceMath
{
    public static double Activate(Activation f, double x) => f.Kind switch
    {
        ActivationKind.None => x,
        ActivationKind.Clip => Clip(x, f.A, f.B),
        ActivationKind.LeakyRelu => x < 0 ? (double)f.A * x : x,
        ActivationKind.HardSigmoid => Clip(((double)f.A * x) + f.B, 0, 1),
        ActivationKind.HardSwish => x * Clip(x + 3, 0, 6) / 6,
        ActivationKind.Sigmoid => Sigmoid(x),
        ActivationKind.Silu => double.IsNegativeInfinity(x) ? 0 : x * Sigmoid(x),
        ActivationKind.Tanh => Math.Tanh(x),
        _ => throw new ArgumentOutOfRangeException(nameof(f)),
    };

    public static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    private static double Clip(double x, double lower, double upper) => double.IsNaN(x) ? x : Math.Min(Math.Max(x, lower), upper);
}
