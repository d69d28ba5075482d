using System;
using Thomas.Kernels;

namespace Thomas.Tests.Harness;

/// <summary>The tier that the environment says this run is for, in THOMAS_EXPECT_TIER.</summary>
internal static class ExpectedTier
{
    public static InstructionTier? FromEnvironment()
    {
        string? name = Environment.GetEnvironmentVariable("THOMAS_EXPECT_TIER");
        return string.IsNullOrEmpty(name) ? null : Enum.Parse<InstructionTier>(name, ignoreCase: true);
    }
}
