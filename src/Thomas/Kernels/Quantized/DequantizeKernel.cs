namespace Thomas.Kernels.Quantized;

/// <summary>8 bits to float32: y = (x - zero) * scale.</summary>
/// <param name="isSigned">Whether x is int8, else uint8.</param>
/// <param name="scale">Distance of neighboring steps.</param>
/// <param name="zero">The step that stands for 0.</param>
internal sealed unsafe class DequantizeKernel(bool isSigned, float scale, int zero)
{
    /// <summary>The definition.</summary>
    public float Apply(int x) => (x - zero) * scale;

    /// <summary>Does a run of elements.</summary>
    public void Run(byte* x, float* y, nint count)
    {
        for (nint i = 0; i < count; i++) y[i] = Apply(isSigned ? (sbyte)x[i] : x[i]);
    }
}
