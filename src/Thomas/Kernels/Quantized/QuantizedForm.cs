using System;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Thomas.Kernels.Quantized;

/// <summary>What the operands of a layer are brought to, so that an instruction takes several products of one sum.</summary>
internal enum QuantizedOperandForm
{
    /// <summary>x less its zero point and w less its own, two 16-bit numbers at a time: for all tiers and all zero points.</summary>
    Pairs,

    /// <summary>x as four unsigned bytes, w as four signed ones (AVX-VNNI).</summary>
    UnsignedBytes,

    /// <summary>x and w as four signed bytes (Arm64 dot product).</summary>
    SignedBytes,
}

/// <summary>How the integer kernels compute a layer with the instructions of this process.</summary>
internal readonly struct QuantizedForm
{
    private const int SignBit = 128, AllSignBits = unchecked((int)0x80808080);

    private readonly QuantizedLayer _layer;

    /// <summary>
    /// The best form for a layer. Bytes of w that are not signed, or have a zero point, are taken as signed ones without where that is only another name for
    /// the same numbers. Else w less its zero point has nine bits: the sum of two signed bytes, but for the number 255.
    /// </summary>
    /// <param name="layer">The layer.</param>
    /// <param name="takesSums">Whether the kernel can take in the sums of x, which nine bits need less than two parts.</param>
    public QuantizedForm(QuantizedLayer layer, bool takesSums)
    {
        _layer = layer;
        int origin = Origin;
        bool isOneByte = Array.TrueForAll(layer.WZeros, zero => zero == origin), isTwo = Array.TrueForAll(layer.WZeros, zero => zero > origin - SignBit);
        Kind = (isOneByte || isTwo, CpuFeatures.Tier) switch
        {
            (true, InstructionTier.Avx2 or InstructionTier.Avx512) when AvxVnni.IsSupported => QuantizedOperandForm.UnsignedBytes,
            (true, InstructionTier.Neon) when Dp.IsSupported => QuantizedOperandForm.SignedBytes,
            _ => QuantizedOperandForm.Pairs,
        };
        NeedsSums = takesSums && !isOneByte && Kind != QuantizedOperandForm.Pairs;
        Parts = isOneByte || NeedsSums || Kind == QuantizedOperandForm.Pairs ? 1 : 2;
    }

    public QuantizedOperandForm Kind { get; }

    /// <summary>
    /// Whether weights are less <see cref="Origin"/> instead of less their zero points, so that the sums of x times what these differ by must be subtracted.
    /// </summary>
    public bool NeedsSums { get; }

    /// <summary>The step of w that a signed byte of zero stands for.</summary>
    public int Origin => _layer.WIsSigned ? 0 : SignBit;

    /// <summary>How many numbers, each multiplied by x on its own, are added up to one weight.</summary>
    public int Parts { get; }

    /// <summary>Numbers that one 32-bit element of a vector holds.</summary>
    public int Unit => Kind == QuantizedOperandForm.Pairs ? 2 : 4;

    /// <summary>Sums in a vector.</summary>
    public int Lanes => Kind == QuantizedOperandForm.UnsignedBytes ? 8 : CpuFeatures.VectorLength;

    /// <summary>The tier in kernel names.</summary>
    public string TierName => Kind switch
    {
        QuantizedOperandForm.UnsignedBytes => "avxvnni",
        QuantizedOperandForm.SignedBytes => "neondp",
        _ => CpuFeatures.TierName,
    };

    /// <summary>What four bytes of x are combined with (exclusive or) to be what the instruction takes.</summary>
    public int Flip => Kind switch
    {
        QuantizedOperandForm.UnsignedBytes => _layer.XIsSigned ? AllSignBits : 0,
        QuantizedOperandForm.SignedBytes => _layer.XIsSigned ? 0 : AllSignBits,
        _ => 0,
    };

    /// <summary>The zero point of x as the instruction takes it.</summary>
    public int XZero => Kind switch
    {
        QuantizedOperandForm.UnsignedBytes => _layer.XZero + (_layer.XIsSigned ? SignBit : 0),
        QuantizedOperandForm.SignedBytes => _layer.XZero - (_layer.XIsSigned ? 0 : SignBit),
        _ => 0,
    };

    /// <summary>A weight less its zero point, or less <see cref="Origin"/> where the sums of x are needed.</summary>
    public int Weight(byte bits, int output) => (_layer.WIsSigned ? (sbyte)bits : bits) - (NeedsSums ? Origin : _layer.WZero(output));

    /// <summary>The part of a weight.</summary>
    public int Part(int weight, int part)
    {
        if (Parts == 1) return weight;
        int first = Math.Clamp(weight, sbyte.MinValue, sbyte.MaxValue);
        return part == 0 ? first : weight - first;
    }

    /// <summary>Writes a weight at its place of a unit.</summary>
    public unsafe void Put(int weight, byte* unit, int place)
    {
        if (Kind == QuantizedOperandForm.Pairs) ((short*)unit)[place] = (short)weight;
        else unit[place] = (byte)weight;
    }
}
