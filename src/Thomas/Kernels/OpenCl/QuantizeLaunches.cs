using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches that round to the grid of a quantized tensor.</summary>
internal static class QuantizeLaunches
{
    private static readonly OpenClProgram Program = OpenClProgram.Of("quantize");

    /// <summary>One scale and zero point for all elements.</summary>
    /// <param name="count">Elements.</param>
    /// <param name="scale">Distance of neighboring values.</param>
    /// <param name="zero">The integer that stands for 0.</param>
    /// <param name="low">The smallest integer.</param>
    /// <param name="high">The largest integer.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Tensor(int count, float scale, float zero, float low, float high, OpenClLimits limits) => new(
        Program, "quantize", new WorkSize(ColumnPlan.Up(count, limits.Vector)), new WorkSize(limits.LoopGroup),
        [LaunchArgument.Input(0), LaunchArgument.Output(), count, scale, 1 / scale, zero, low, high]);

    /// <summary>A scale and a zero point for each channel. Says how many bytes of constants there are.</summary>
    /// <param name="count">Elements.</param>
    /// <param name="scales">Distance of neighboring values in each channel.</param>
    /// <param name="zeros">The integer that stands for 0 in each channel.</param>
    /// <param name="low">The smallest integer.</param>
    /// <param name="high">The largest integer.</param>
    /// <param name="limits">Limits of the device.</param>
    public static (OpenClLaunch[] Launches, long Constants) Channels(
        int count, ReadOnlySpan<float> scales, ReadOnlySpan<int> zeros, float low, float high, OpenClLimits limits)
    {
        long table = ConstantLaunches.BytesOf(scales.Length);
        float[] inverses = new float[scales.Length], floats = new float[zeros.Length];
        for (int c = 0; c < inverses.Length; c++) (inverses[c], floats[c]) = (1 / scales[c], zeros[c]);
        List<OpenClLaunch> launches = [];
        launches.AddRange(ConstantLaunches.Put(scales, 0));
        launches.AddRange(ConstantLaunches.Put(inverses, table));
        launches.AddRange(ConstantLaunches.Put(floats, 2 * table));
        launches.Add(new OpenClLaunch(
            Program, "quantize_channels", new WorkSize(count), new WorkSize(limits.LoopGroup),
            [
                LaunchArgument.Input(0), LaunchArgument.Constants(), LaunchArgument.Constants(table), LaunchArgument.Constants(2 * table),
                LaunchArgument.Output(), count, scales.Length, low, high,
            ]));
        return ([.. launches], 3 * table);
    }
}
