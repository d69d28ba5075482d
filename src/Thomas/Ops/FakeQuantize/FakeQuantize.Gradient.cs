using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

internal sealed partial class FakeQuantize
{
    /// <summary>
    /// The straight-through estimator (Bengio et al. 2013; Jacob et al. 2018): dy where x rounds to a number of the grid, 0 where it is clamped. The grid
    /// reaches half a step beyond its ends.
    /// </summary>
    internal override void Gradient(GradientContext g)
    {
        FakeQuantizeAttributes a = g.Attributes<FakeQuantizeAttributes>();
        int channels = a.Quantization.Scales.Length;
        float[] low = new float[channels], high = new float[channels];
        for (int c = 0; c < channels; c++)
        {
            float scale = a.Quantization.Scales[c], zero = a.Quantization.ZeroPoints[c];
            low[c] = scale * (a.Minimum - zero - 0.5f);
            high[c] = scale * (a.Maximum - zero + 0.5f);
        }

        if (a.Quantization.IsPerTensor)
        {
            g.Add(0, g.Emit(OpCatalog.ActivateGradient, "gradInput", [g.GradOutput, g.Input(0)], new ActivateAttributes(Activation.Clip(low[0], high[0]))));
            return;
        }

        Shape shape = new(channels);
        Value above = g.Emit(OpCatalog.Heaviside, "above", [g.Input(0), g.Builder.Constant($"{g.Node.Name}/low", TensorData.FromFloats(shape, low))]);
        Value below = g.Emit(OpCatalog.Heaviside, "below", [g.Builder.Constant($"{g.Node.Name}/high", TensorData.FromFloats(shape, high)), g.Input(0)]);
        g.Add(0, g.Emit(OpCatalog.Multiply, "gradInput", [g.GradOutput, g.Emit(OpCatalog.Multiply, "inside", [above, below])]));
    }
}
