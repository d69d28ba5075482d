using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>
/// Settings of the two gradients of a convolution, ordinary or depthwise, and of a transposed convolution, where the forward input is the result.
/// </summary>
/// <param name="Window">The forward window.</param>
/// <param name="InputH">Rows of the forward input.</param>
/// <param name="InputW">Columns of the forward input.</param>
/// <param name="Groups">Channel groups of the forward convolution; all input channels for depthwise.</param>
/// <param name="X">In the filter's gradient: the grid of the forward input where that is in steps; null for real numbers.</param>
internal sealed record Conv2dGradientAttributes(Window2d Window, int InputH, int InputW, int Groups = 1, StepGrid? X = null) : OpAttributes
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{nameof(Conv2dGradientAttributes)} {{ Window = {Window}, InputH = {InputH}, InputW = {InputW}, Groups = {Groups}{KeptOperand.Text("X", X)} }}";
}
