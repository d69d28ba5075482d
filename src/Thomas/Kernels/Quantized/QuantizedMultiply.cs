namespace Thomas.Kernels.Quantized;

/// <summary>The product of two 8-bit tensors on grids of their own: y = requantize((a - zero) * (b - zero)).</summary>
/// <param name="a">The left operand.</param>
/// <param name="b">The right operand.</param>
/// <param name="requantization">How products become y; its one ratio is (scale of a) * (scale of b) / (scale of y).</param>
internal sealed unsafe class QuantizedMultiply(QuantizedOperand a, QuantizedOperand b, Requantization requantization)
{
    /// <summary>The definition.</summary>
    public int Apply(int left, int right) => requantization.Apply((left - a.Zero) * (right - b.Zero), 0);

    /// <summary>Multiplies runs of elements; y may be an operand.</summary>
    public void Run(byte* left, byte* right, byte* y, nint count)
    {
        for (nint i = 0; i < count; i++) y[i] = (byte)Apply(a.Read(left[i]), b.Read(right[i]));
    }
}
