using System.Runtime.Intrinsics;
using Thomas.Kernels;
using Thomas.Kernels.Gemm;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public class InstructionTierTests
{
    [Fact]
    public void Tier_is_the_one_this_run_was_started_for()
    {
        InstructionTier? expected = ExpectedTier.FromEnvironment();
        if (expected is null) Assert.Skip("THOMAS_EXPECT_TIER is not set");
        Assert.Equal(expected, CpuFeatures.Tier);
    }

    [Fact]
    public void Vector_length_and_names_follow_the_tier()
    {
        int expected = Vector512.IsHardwareAccelerated ? 16 : Vector256.IsHardwareAccelerated ? 8 : Vector128.IsHardwareAccelerated ? 4 : 1;
        Assert.Equal(expected, CpuFeatures.VectorLength);
        Assert.Contains(CpuFeatures.TierName, CpuFeatures.Description, System.StringComparison.Ordinal);
        string gemm = CpuFeatures.Tier switch
        {
            InstructionTier.Avx512 => "f32_gemm_14x32__avx512",
            InstructionTier.Avx2 => "f32_gemm_6x16__avx2",
            InstructionTier.Neon => "f32_gemm_8x8__neon",
            InstructionTier.Vector128 => "f32_gemm_6x8__vector128",
            _ => "f32_gemm_4x2__scalar",
        };
        Assert.Equal(gemm, MatrixProduct.KernelName);
    }
}
