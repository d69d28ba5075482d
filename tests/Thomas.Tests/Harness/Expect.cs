using System.Runtime.CompilerServices;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>Assertions whose text is made only when they fail.</summary>
internal static class Expect
{
    /// <summary>Fails unless the condition holds.</summary>
    public static void True(bool condition, [InterpolatedStringHandlerArgument(nameof(condition))] FailureText text)
    {
        if (!condition) Assert.Fail(text.ToString());
    }
}
