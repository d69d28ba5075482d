namespace Thomas.Kernels.Quantized;

/// <summary>
/// A layer of 8-bit numbers with weights: y = requantize(bias[o] + sum over taps of (x - XZero) * (w - WZero[o])). Positions outside the input count as XZero.
/// A dense layer is a 1x1 convolution with as many images as rows.
/// </summary>
/// <param name="Geometry">The window; <see cref="ConvGeometry.Channels"/> are one group's, <see cref="ConvGeometry.ChannelStride"/> those of a pixel.</param>
/// <param name="Outputs">Output channels of all groups; for a depthwise convolution a multiple of the input's channels.</param>
/// <param name="Groups">Groups of a convolution; not used for a depthwise one.</param>
/// <param name="XIsSigned">Whether x is int8, else uint8.</param>
/// <param name="XZero">The step of x that stands for zero.</param>
/// <param name="WIsSigned">Whether w is int8, else uint8.</param>
/// <param name="WZeros">The steps of w that stand for zero: one, or one per output channel.</param>
/// <param name="YIsSigned">Whether y is int8, else uint8.</param>
/// <param name="Requantization">How sums become y.</param>
internal sealed record QuantizedLayer(
    ConvGeometry Geometry, int Outputs, int Groups, bool XIsSigned, int XZero, bool WIsSigned, int[] WZeros, bool YIsSigned, Requantization Requantization)
{
    /// <summary>Whether ratios change from run to run; they are read when weights are packed.</summary>
    public bool RatiosChange { get; init; }

    /// <summary>The step of w that stands for zero in an output channel.</summary>
    public int WZero(int output) => WZeros[WZeros.Length == 1 ? 0 : output];
}
