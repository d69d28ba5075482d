namespace Thomas.Kernels.Quantized;

/// <summary>The grid of an 8-bit operand or result.</summary>
/// <param name="Scale">Distance of neighboring steps.</param>
/// <param name="Zero">The step that stands for 0.</param>
/// <param name="IsSigned">Whether it is int8, else uint8.</param>
internal readonly record struct QuantizedOperand(float Scale, int Zero, bool IsSigned)
{
    /// <summary>The number that a byte holds.</summary>
    public int Read(byte bits) => IsSigned ? (sbyte)bits : bits;
}
