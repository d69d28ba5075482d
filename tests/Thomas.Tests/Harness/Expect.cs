using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
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

    /// <summary>Fails unless two lists of arrays hold equal numbers. Arrays with the same bits are not compared one number at a time, which is slow.</summary>
    public static void Same(float[][] expected, float[][] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++) Same(expected[i], actual[i]);
    }

    /// <summary>Fails unless two arrays hold equal numbers.</summary>
    public static void Same(float[] expected, float[] actual)
    {
        if (!MemoryMarshal.AsBytes<float>(expected).SequenceEqual(MemoryMarshal.AsBytes<float>(actual))) Assert.Equal(expected, actual);
    }

    /// <summary>Fails unless two arrays hold the same bytes.</summary>
    public static void Same(byte[] expected, byte[] actual)
    {
        if (!expected.AsSpan().SequenceEqual(actual)) Assert.Equal(expected, actual);
    }
}
