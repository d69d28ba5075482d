namespace Thomas.Kernels.Copy;

/// <summary>
/// Numbers that lie in memory as 16-bit floats, for kernels that compute with float32 numbers: they widen a few at a time, as they need them, into memory that
/// stays in the caches. Without any it stands for an operand that lies in memory as float32 numbers.
/// </summary>
/// <param name="bits">The numbers; null for none.</param>
/// <param name="isBinary16">Whether they are binary16, else bfloat16.</param>
internal readonly unsafe struct KeptFloats(ushort* bits, bool isBinary16)
{
    /// <summary>Whether there are such numbers.</summary>
    public bool Exist => bits != null;

    /// <summary>target[i] = the number at first + i.</summary>
    /// <param name="first">The first number.</param>
    /// <param name="target">Receives them.</param>
    /// <param name="count">How many.</param>
    public void Widen(nint first, float* target, nint count)
    {
        if (isBinary16) HalfFloats.WidenBinary16(bits + first, target, count);
        else HalfFloats.WidenBFloat16(bits + first, target, count);
    }
}
