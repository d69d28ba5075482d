using System;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Functions of single steps, for <see cref="LookUp"/>.</summary>
internal static class QuantizedTables
{
    /// <summary>Digits behind the point in XNNPACK's factor between two grids.</summary>
    private const int FactorDigits = 8;

    /// <summary>The steps of f of a real number; f and the quotient in float32, halves to even.</summary>
    public static Func<int, int> Function(StepGrid x, StepGrid y, ActivationFunction f) => step => y.Step(f.Value(x.Real(step)));

    /// <summary>f and its derivative.</summary>
    public static Func<float, (float Value, float Slope)> Slope(ActivationFunction f) => x =>
    {
        float y = f.Value(x);
        return (y, f.Derivative(f.GradientReadsOutput ? y : x));
    };

    /// <summary>The number itself and 1.</summary>
    public static (float Value, float Slope) Same(float x) => (x, 1);

    /// <summary>The same number on another grid, as the runtime that the file is for rounds it.</summary>
    public static Func<int, int> Requantize(StepGrid x, StepGrid y, RequantizationRule rule, QuantizedArithmetic arithmetic)
    {
        if (arithmetic == QuantizedArithmetic.Onnx) return step => y.Step(x.Real(step));
        float ratio = x.Scale / y.Scale;
        int factor = (int)MathF.Round(MathF.ScaleB(ratio, FactorDigits), MidpointRounding.ToEven);
        if (rule == RequantizationRule.Float && factor is >= 1 and <= short.MaxValue)
        {
            int half = 1 << (FactorDigits - 1);
            return step => (((step - x.ZeroPoint) * factor) + half >> FactorDigits) + y.ZeroPoint;
        }

        FixedPointFactor exact = FixedPointFactor.Of((double)x.Scale / y.Scale);
        return step => exact.Apply(step - x.ZeroPoint) + y.ZeroPoint;
    }
}
