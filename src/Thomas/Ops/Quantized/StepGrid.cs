using System;
using Thomas.Graphs;
using Thomas.Kernels.Quantized;

namespace Thomas.Ops;

/// <summary>The grid that an 8-bit tensor lies on: real = Scale * (step - ZeroPoint), with steps from Minimum to Maximum.</summary>
/// <param name="Scale">The distance of two steps.</param>
/// <param name="ZeroPoint">The step that stands for zero.</param>
/// <param name="Minimum">The smallest step.</param>
/// <param name="Maximum">The largest step.</param>
internal readonly record struct StepGrid(float Scale, int ZeroPoint, int Minimum, int Maximum)
{
    /// <summary>The type that holds the steps.</summary>
    public DType Type => Minimum < 0 ? DType.I8 : DType.U8;

    /// <summary>The grid as kernels know it.</summary>
    public QuantizedOperand Operand => new(Scale, ZeroPoint, Type == DType.I8);

    /// <summary>The smallest and the largest number of a type of 8 bits.</summary>
    public static (int Low, int High) Ends(DType type) => type == DType.I8 ? ((int)sbyte.MinValue, (int)sbyte.MaxValue) : (byte.MinValue, byte.MaxValue);

    /// <summary>The grid of a rounding; null where it has several scales, more than 8 bits, or no zero.</summary>
    public static StepGrid? Of(FakeQuantizeAttributes a)
    {
        if (!a.Quantization.IsPerTensor) return null;
        StepGrid grid = new(a.Quantization.Scales[0], a.Quantization.ZeroPoints[0], a.Minimum, a.Maximum);
        (int low, int high) = Ends(grid.Type);
        return grid.Minimum >= low && grid.Maximum <= high && grid.ZeroPoint >= low && grid.ZeroPoint <= high ? grid : null;
    }

    /// <summary>The real number of a step, in float32.</summary>
    public float Real(int step) => (step - ZeroPoint) * Scale;

    /// <summary>The nearest step of a real number, halves to even, between the ends; the zero point's for NaN.</summary>
    public int Step(float real) =>
        float.IsNaN(real) ? ZeroPoint : (int)Math.Clamp(MathF.Round(real / Scale, MidpointRounding.ToEven) + ZeroPoint, Minimum, Maximum);
}
