using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches that write numbers of the host into the constants of a node, once.</summary>
internal static class ConstantLaunches
{
    private const int OfLaunch = 16;
    private const int Alignment = 512;

    private static readonly OpenClProgram Program = OpenClProgram.Of("constants");

    /// <summary>Bytes from one table of so many numbers to the next.</summary>
    public static long BytesOf(int count) => (((long)count * sizeof(float)) + Alignment - 1) / Alignment * Alignment;

    /// <summary>Writes numbers, 16 a launch.</summary>
    /// <param name="values">The numbers.</param>
    /// <param name="offset">Where they begin, in bytes.</param>
    public static OpenClLaunch[] Put(ReadOnlySpan<float> values, long offset)
    {
        List<OpenClLaunch> launches = [];
        for (int begin = 0; begin < values.Length; begin += OfLaunch)
        {
            int count = Math.Min(OfLaunch, values.Length - begin);
            List<LaunchArgument> arguments = [LaunchArgument.Constants(offset + ((long)begin * sizeof(float))), count];
            for (int i = 0; i < OfLaunch; i++) arguments.Add(i < count ? values[begin + i] : 0f);
            launches.Add(new OpenClLaunch(Program, "put", new WorkSize(1), new WorkSize(1), [.. arguments]) { IsOnce = true });
        }

        return [.. launches];
    }
}
