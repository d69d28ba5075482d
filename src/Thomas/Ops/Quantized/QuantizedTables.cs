using System;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>Functions of single steps, for <see cref="LookUp"/>: each as the runtime computes it that the file is for.</summary>
internal static class QuantizedTables
{
    /// <summary>Digits behind the point in XNNPACK's factors.</summary>
    private const int FactorDigits = 8;

    /// <summary>The steps of an activation of a real number.</summary>
    public static Func<int, int> Function(StepGrid x, StepGrid y, Activation activation, RequantizationRule rule, QuantizedArithmetic arithmetic)
    {
        ActivationFunction f = activation.Function;
        if (arithmetic == QuantizedArithmetic.Onnx) return step => y.Step(f.Value(x.Real(step)));
        if (f.IsClip) return Clip(x, y, f);
        if (activation.Kind == ActivationKind.LeakyRelu) return LeakyRelu(x, y, activation.A, rule);
        if (activation.Kind == ActivationKind.HardSwish) return new HardSwishSteps(x, y).Apply;
        MidpointRounding halves = rule == RequantizationRule.Float ? MidpointRounding.ToEven : MidpointRounding.AwayFromZero;
        float perStep = 1 / y.Scale;
        return step => (int)Math.Clamp(MathF.Round(f.Value(x.Real(step)) * perStep, halves) + y.ZeroPoint, y.Minimum, y.Maximum);
    }

    /// <summary>f and its derivative.</summary>
    public static Func<float, (float Value, float Slope)> Slope(ActivationFunction f) => x =>
    {
        float y = f.Value(x);
        return (y, f.Derivative(f.GradientReadsOutput ? y : x));
    };

    /// <summary>The number itself and 1.</summary>
    public static (float Value, float Slope) Same(float x) => (x, 1);

    /// <summary>The same number on another grid.</summary>
    public static Func<int, int> Requantize(StepGrid x, StepGrid y, RequantizationRule rule, QuantizedArithmetic arithmetic)
    {
        if (arithmetic == QuantizedArithmetic.Onnx) return step => y.Step(x.Real(step));
        if (rule == RequantizationRule.Float && ShortFactor(x.Scale / y.Scale) is int factor)
        {
            return step => Shifted((step - x.ZeroPoint) * factor) + y.ZeroPoint;
        }

        FixedPointFactor exact = FixedPointFactor.Of((double)x.Scale / y.Scale);
        return step => exact.Apply(step - x.ZeroPoint) + y.ZeroPoint;
    }

    /// <summary>A part of a concatenation on the grid of the whole: TensorFlow Lite has that for uint8 only, in float32, halves away from zero.</summary>
    public static Func<int, int> Join(StepGrid x, StepGrid y, RequantizationRule rule, QuantizedArithmetic arithmetic)
    {
        if (arithmetic == QuantizedArithmetic.Onnx) return Requantize(x, y, rule, arithmetic);
        float ratio = x.Scale * (1 / y.Scale), offset = -x.ZeroPoint * ratio;
        return step => (int)MathF.Round((step * ratio) + offset, MidpointRounding.AwayFromZero) + y.ZeroPoint;
    }

    /// <summary>XNNPACK's factor between two grids; null where it does not take the ratio, and TensorFlow Lite's built-in kernel computes.</summary>
    private static int? ShortFactor(float ratio)
    {
        bool fits = ratio is >= 1f / (1 << FactorDigits) and <= 1 << (FactorDigits - 1);
        return fits ? (int)MathF.Round(MathF.ScaleB(ratio, FactorDigits), MidpointRounding.ToEven) : null;
    }

    private static int Shifted(int product) => (product + (1 << (FactorDigits - 1))) >> FactorDigits;

    /// <summary>A clipping as an operator of its own: requantized, then between the steps of the bounds.</summary>
    private static Func<int, int> Clip(StepGrid x, StepGrid y, ActivationFunction f)
    {
        (int lower, int upper) = QuantizedRules.Bounds(f, y, RequantizationRule.FixedPoint);
        FixedPointFactor factor = FixedPointFactor.Of(x.Scale / y.Scale);
        return step => Math.Clamp(factor.Apply(step - x.ZeroPoint) + y.ZeroPoint, lower, upper);
    }

    private static Func<int, int> LeakyRelu(StepGrid x, StepGrid y, float slope, RequantizationRule rule)
    {
        float ratio = x.Scale / y.Scale, below = ratio * slope;
        if (rule == RequantizationRule.Float && ShortFactor(ratio) is int factor && ShortFactor(Math.Abs(below)) is int size)
        {
            int negative = below < 0 ? -size : size;
            return step => Shifted((step - x.ZeroPoint) * (step >= x.ZeroPoint ? factor : negative)) + y.ZeroPoint;
        }

        FixedPointFactor above = FixedPointFactor.Of(ratio), other = FixedPointFactor.Of(Math.Abs(x.Scale * slope / y.Scale));
        if (slope < 0) other = other with { Multiplier = -other.Multiplier };
        return step => (step >= x.ZeroPoint ? above : other).Apply(step - x.ZeroPoint) + y.ZeroPoint;
    }
}
