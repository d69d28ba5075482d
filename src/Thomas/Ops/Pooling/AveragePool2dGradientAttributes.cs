using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of the gradient of average pooling.</summary>
/// <param name="Window">The forward window.</param>
/// <param name="InputH">Rows of the forward input.</param>
/// <param name="InputW">Columns of the forward input.</param>
/// <param name="CountPadding">Whether padding counts in the mean.</param>
internal sealed record AveragePool2dGradientAttributes(Window2d Window, int InputH, int InputW, bool CountPadding = false) : OpAttributes;
