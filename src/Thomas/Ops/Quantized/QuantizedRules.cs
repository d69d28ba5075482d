using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>What the operators on 8-bit tensors share.</summary>
internal static class QuantizedRules
{
    /// <summary>The types of steps.</summary>
    public const ElementTypes Steps = ElementTypes.I8 | ElementTypes.U8;

    /// <summary>Refuses an operand whose type is not that of its grid.</summary>
    public static void RequireGrid(TensorType type, StepGrid grid)
    {
        if (type.DType != grid.Type) throw new GraphException($"an operand of type {type} does not fit a grid of {grid.Type}");
    }

    /// <summary>How real numbers become steps where sums are rounded by a rule.</summary>
    public static QuantizationRule QuantizationOf(RequantizationRule rule, QuantizedArithmetic arithmetic) => (arithmetic, rule) switch
    {
        (QuantizedArithmetic.Onnx, _) => QuantizationRule.Division,
        (_, RequantizationRule.Float) => QuantizationRule.Reciprocal,
        _ => QuantizationRule.AwayFromZero,
    };

    /// <summary>The steps between which an activation that clips leaves a result.</summary>
    public static (int Lower, int Upper) Bounds(ActivationFunction activation, StepGrid grid, RequantizationRule rule)
    {
        return (Bound(activation.Lower, grid.Minimum), Bound(activation.Upper, grid.Maximum));

        int Bound(float real, int end)
        {
            if (float.IsInfinity(real)) return end;
            MidpointRounding rounding = rule == RequantizationRule.Float ? MidpointRounding.ToEven : MidpointRounding.AwayFromZero;
            return (int)Math.Clamp(MathF.Round(real / grid.Scale, rounding) + grid.ZeroPoint, grid.Minimum, grid.Maximum);
        }
    }
}
