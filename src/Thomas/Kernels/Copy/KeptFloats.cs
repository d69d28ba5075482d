using Thomas.Kernels.Quantized;

namespace Thomas.Kernels.Copy;

/// <summary>
/// Numbers that lie in memory as 16-bit floats or as steps of a grid of 8 bits, for kernels that compute with float32 numbers: they widen a few at a time, as
/// they need them, into memory that stays in the caches. Without any it stands for an operand that lies in memory as float32 numbers.
/// </summary>
internal readonly unsafe struct KeptFloats
{
    private readonly byte* _bits;
    private readonly Form _form;
    private readonly QuantizedOperand _grid;

    /// <param name="bits">Floats of 16 bits; null for none.</param>
    /// <param name="isBinary16">Whether they are binary16, else bfloat16.</param>
    public KeptFloats(ushort* bits, bool isBinary16)
    {
        _bits = (byte*)bits;
        _form = isBinary16 ? Form.Binary16 : Form.BFloat16;
    }

    /// <param name="steps">Steps of 8 bits; null for none.</param>
    /// <param name="grid">Their grid.</param>
    public KeptFloats(byte* steps, QuantizedOperand grid)
    {
        _bits = steps;
        _form = Form.Steps;
        _grid = grid;
    }

    private enum Form : byte
    {
        BFloat16,
        Binary16,
        Steps,
    }

    /// <summary>Whether there are such numbers.</summary>
    public bool Exist => _bits != null;

    /// <summary>target[i] = the number at first + i.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="target">Receives them.</param>
    /// <param name="count">How many.</param>
    public void Widen(nint first, float* target, nint count)
    {
        if (_form == Form.Steps) DequantizeKernel.Run(_grid, _bits + first, target, count);
        else if (_form == Form.Binary16) HalfFloats.WidenBinary16((ushort*)_bits + first, target, count);
        else HalfFloats.WidenBFloat16((ushort*)_bits + first, target, count);
    }
}
