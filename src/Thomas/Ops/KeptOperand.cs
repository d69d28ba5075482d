using System.Numerics;
using Thomas.Graphs;
using Thomas.Kernels.Copy;

namespace Thomas.Ops;

/// <summary>An operand of a gradient that may lie in memory as float32 numbers, as 16-bit floats, or as steps of a grid of 8 bits.</summary>
internal static class KeptOperand
{
    /// <summary>The types that such an operand may have.</summary>
    public static ElementTypes Types(StepGrid? grid) => grid is null ? ElementTypes.Floats : QuantizedRules.Steps;

    /// <summary>Whether it has fewer bits than float32.</summary>
    public static bool IsKept(DType type) => type != DType.F32;

    /// <summary>What the settings of a node say of it; nothing for real numbers.</summary>
    public static string Text(string name, StepGrid? grid) => grid is { } steps ? $", {name} = {steps}" : "";

    /// <summary>Refuses a type that does not fit the grid.</summary>
    public static void Require(TensorType type, StepGrid? grid)
    {
        if (grid is { } steps) QuantizedRules.RequireGrid(type, steps);
    }

    /// <summary>The numbers for kernels; none where they are float32.</summary>
    public static unsafe KeptFloats Of(DType type, StepGrid? grid, nint data) =>
        type == DType.F32 ? default : grid is { } steps ? new KeptFloats((byte*)data, steps.Operand) : new KeptFloats((ushort*)data, type == DType.F16);

    /// <summary>An element as a definition sees it.</summary>
    public static T Real<T>(T element, StepGrid? grid)
        where T : IBinaryFloatingPointIeee754<T>
        => grid is { } steps ? T.CreateTruncating(steps.Real(int.CreateTruncating(element))) : element;
}
