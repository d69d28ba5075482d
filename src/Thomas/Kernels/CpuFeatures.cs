using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Thomas.Kernels;

/// <summary>
/// Which vector instructions the kernels use in this process. All of it is constant for the compiler, so a branch on
/// <see cref="Tier"/> costs nothing and only the taken side is compiled.
/// </summary>
internal static class CpuFeatures
{
    /// <summary>The tier in use.</summary>
    public static InstructionTier Tier
    {
        get
        {
            if (Vector512.IsHardwareAccelerated) return InstructionTier.Avx512;
            if (Vector256.IsHardwareAccelerated && Fma.IsSupported) return InstructionTier.Avx2;
            if (AdvSimd.Arm64.IsSupported) return InstructionTier.Neon;
            return Vector128.IsHardwareAccelerated ? InstructionTier.Vector128 : InstructionTier.Scalar;
        }
    }

    /// <summary>The tier's suffix in kernel names, for example <c>avx512</c>.</summary>
    public static string TierName => Tier switch
    {
        InstructionTier.Avx512 => "avx512",
        InstructionTier.Avx2 => "avx2",
        InstructionTier.Neon => "neon",
        InstructionTier.Vector128 => "vector128",
        InstructionTier.Scalar => "scalar",
        _ => throw new UnreachableException($"Unknown {Tier}."),
    };

    /// <summary>Floats in one vector of the tier.</summary>
    public static int VectorLength => Tier switch
    {
        InstructionTier.Avx512 => 16,
        InstructionTier.Avx2 => 8,
        InstructionTier.Neon or InstructionTier.Vector128 => 4,
        _ => 1,
    };

    /// <summary>Whether the tier's multiply-add rounds once.</summary>
    public static bool HasFusedMultiplyAdd => Tier is InstructionTier.Avx512 or InstructionTier.Avx2 or InstructionTier.Neon;

    /// <summary>One line for logs and reports: architecture, tier, vector width.</summary>
    public static string Description => string.Create(
        CultureInfo.InvariantCulture,
        $"{RuntimeInformation.ProcessArchitecture}, tier {TierName} ({VectorLength * 32}-bit float "
        + $"vectors{(Tier == InstructionTier.Vector128 && !Fma.IsSupported ? ", no fused multiply-add" : "")})");
}
