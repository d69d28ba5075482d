using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>
/// What the gradients of operators on 8-bit tensors share. All are gradients by real numbers, in float32: of what the steps stand for, straight through every
/// rounding. The backward pass reads the steps that the forward pass leaves and makes real numbers of them where it needs some.
/// </summary>
internal static class StepGradients
{
    /// <summary>
    /// The gradient before the rounding of a node's result, which is also where its activation clips (Bengio et al. 2013): dy where the result lies strictly
    /// between the bounds, so that nothing but the result has to be kept.
    /// </summary>
    public static Value BeforeRounding(GradientContext g, StepGrid grid, int lower, int upper) => g.Emit(
        OpCatalog.ActivateGradient, "gradSum", [g.GradOutput, Real(g, g.Output, grid)],
        new ActivateAttributes(Activation.Clip(grid.Real(lower), grid.Real(upper))));

    /// <summary>An operand as real numbers.</summary>
    public static Value Real(GradientContext g, int input, StepGrid grid) => Real(g, g.Input(input), grid);

    /// <summary>
    /// A value in steps as real numbers: those that another rule has asked for already, if one has, since its reader and this one follow each other closely.
    /// </summary>
    public static Value Real(GradientContext g, Value steps, StepGrid grid)
    {
        foreach (Node reader in steps.Consumers)
        {
            if (reader is { Op: Dequantize, Stage: Stage.Recompute } && ((DequantizeAttributes)reader.Attributes).Grid == grid) return reader.Output;
        }

        return g.EmitAgain(OpCatalog.Dequantize, "real", [steps], new DequantizeAttributes(grid)).Output;
    }

    /// <summary>The gradient of the input of a 1x1 convolution from its weights as they lie there: in steps, or in real numbers that are rounded.</summary>
    public static Value RoundedInput(GradientContext g, QuantizedConv2dAttributes a, Value dy)
    {
        Value steps = g.Input(1), source = steps;
        while (source.Producer is { Op: Reshape } reshape) source = reshape.Inputs[0];
        if (source.Producer is not { Op: RoundWeights } rounding)
        {
            (int low, int high) = StepGrid.Ends(steps.Type.DType);
            float[] numbers = a.Filter.Scales.ToArray();
            Value scales = g.Builder.Constant($"{g.Node.Name}/scales", TensorData.FromFloats(new Shape(numbers.Length), numbers));
            return g.Emit(OpCatalog.RoundedInputGradient, "gradInput", [dy, steps, scales], new RoundedInputGradientAttributes(a.Filter, low, high));
        }

        // What lies between the steps is at hand, and so are the scales.
        RoundWeightsAttributes grid = (RoundWeightsAttributes)rounding.Attributes;
        Value real = rounding.Inputs[0];
        if (real.Shape != steps.Shape) real = g.EmitAgain(OpCatalog.Reshape, "filter", [real], ReshapeAttributes.To(steps.Shape)).Output;
        return g.Emit(
            OpCatalog.RoundedInputGradient, "gradInput", [dy, real, rounding.Outputs[1]],
            new RoundedInputGradientAttributes(grid.Grid, grid.Minimum, grid.Maximum));
    }

    /// <summary>The weights of a layer as real numbers: those that its sums have used, not the ones between the steps.</summary>
    public static Value RealFilter(GradientContext g, Quantization grid)
    {
        Value steps = g.Input(1), source = steps;
        while (source.Producer is { Op: Reshape } reshape) source = reshape.Inputs[0];
        if (source.Producer is not { Op: RoundWeights } rounding)
        {
            return g.EmitAgain(OpCatalog.DequantizeFilter, "filter", [steps], new DequantizeFilterAttributes(grid)).Output;
        }

        RoundWeightsAttributes real = ((RoundWeightsAttributes)rounding.Attributes) with { AsSteps = false };
        Value filter = g.EmitAgain(OpCatalog.RoundWeights, "filter", [rounding.Inputs[0]], real).Output;
        return filter.Shape == steps.Shape ? filter : g.EmitAgain(OpCatalog.Reshape, "filter", [filter], ReshapeAttributes.To(steps.Shape)).Output;
    }
}
