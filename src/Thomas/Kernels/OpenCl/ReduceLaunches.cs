using System;
using System.Numerics;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches that reduce axes to their sum, mean or maximum.</summary>
internal static class ReduceLaunches
{
    /// <summary>Kept axes, and reduced axes, of <see cref="Strided"/>, after joining neighbors of the same kind.</summary>
    public const int MostAxes = 4;

    private const string File = "reduce";

    // Results that are so many need not share their sums among work-items.
    private const int ManyItems = 1 << 22;

    /// <summary>y = scale * the sum or maximum over the middle axis of x [outer, reduced, inner], in one or two launches.</summary>
    /// <param name="isMaximum">Whether the maximum is taken, not the sum.</param>
    /// <param name="cut">How it is cut; may join.</param>
    /// <param name="scale">Factor on the result.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <returns>The launches, and the bytes of the workspace.</returns>
    public static (OpenClLaunch[] Launches, long Workspace) Of(bool isMaximum, ReductionCut cut, float scale, OpenClLimits limits)
    {
        LaunchArgument x = LaunchArgument.Input(0), y = LaunchArgument.Output();
        if (cut.Chunks == 1) return ([Launch(isMaximum, cut, x, y, scale)], 0);
        LaunchArgument results = LaunchArgument.Workspace();
        return ([Launch(isMaximum, cut, x, results, 1), Join(isMaximum, cut, results, y, scale, limits)], cut.ResultBytes);
    }

    /// <summary>Joins the results of chunks, which any kernel may have computed, in their order.</summary>
    /// <param name="isMaximum">Whether the maximum is taken, not the sum.</param>
    /// <param name="cut">How the reduction was cut.</param>
    /// <param name="x">The chunks' results [outer, chunks, inner].</param>
    /// <param name="y">The results [outer, inner].</param>
    /// <param name="scale">Factor on the result.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Join(bool isMaximum, ReductionCut cut, LaunchArgument x, LaunchArgument y, float scale, OpenClLimits limits) =>
        Launch(isMaximum, cut.OfChunks(limits), x, y, scale);

    /// <summary>y = the sum of all numbers of x, by one group.</summary>
    /// <param name="count">Numbers; few, such as results of groups.</param>
    /// <param name="x">Where they lie.</param>
    /// <param name="y">Where the sum goes.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Sum(int count, LaunchArgument x, LaunchArgument y, OpenClLimits limits) =>
        Launch(isMaximum: false, ReductionCut.Whole(1, count, 1, limits, joins: true), x, y, 1);

    /// <summary>y = scale * the sum or maximum over any axes of x.</summary>
    /// <param name="isMaximum">Whether the maximum is taken, not the sum.</param>
    /// <param name="kept">Sizes of the axes that stay, innermost first; at most <see cref="MostAxes"/>.</param>
    /// <param name="keptStrides">Distances of neighbors along them.</param>
    /// <param name="reduced">Sizes of the axes that vanish, innermost first; at most <see cref="MostAxes"/>.</param>
    /// <param name="reducedStrides">Distances of neighbors along them.</param>
    /// <param name="scale">Factor on the result.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Strided(
        bool isMaximum, ReadOnlySpan<int> kept, ReadOnlySpan<int> keptStrides, ReadOnlySpan<int> reduced, ReadOnlySpan<int> reducedStrides, float scale,
        OpenClLimits limits)
    {
        int count = 1, terms = 1, group = limits.SumGroup;
        foreach (int size in kept) count *= size;
        foreach (int size in reduced) terms *= size;
        int lanes = Math.Min(group, (int)BitOperations.RoundUpToPowerOf2((uint)terms));
        while (lanes > 1 && (long)count * lanes > ManyItems) lanes /= 2;
        return new OpenClLaunch(
            Program(isMaximum), "reduce_strided", new WorkSize(checked(count * lanes)), new WorkSize(group),
            [
                LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TY"), LaunchArgument.Local(group * sizeof(float)), count, terms, lanes, scale,
                .. Axes(kept, keptStrides), .. Axes(reduced, reducedStrides),
            ]);
    }

    /// <summary>dx of a maximum over the middle axis, of the node's operands x [outer, reduced, inner], y and dy [outer, inner].</summary>
    /// <param name="outer">Axes before the reduced ones.</param>
    /// <param name="reduced">The reduced axes.</param>
    /// <param name="inner">Axes after them.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch MaxGradient(int outer, int reduced, int inner, OpenClLimits limits)
    {
        ReductionCut cut = ReductionCut.Whole(outer, reduced, inner, limits);
        return new OpenClLaunch(
            Program(isMaximum: true), "reduce_max_gradient", cut.Items, cut.Group,
            [
                LaunchArgument.Input(0).As("TX"), LaunchArgument.Input(1).As("TX"), LaunchArgument.Input(2), LaunchArgument.Output(), cut.Local,
                .. cut.Arguments,
            ]);
    }

    private static OpenClLaunch Launch(bool isMaximum, ReductionCut cut, LaunchArgument x, LaunchArgument y, float scale) => new(
        Program(isMaximum), "reduce", cut.Items, cut.Group, [x.As("TX"), y.As("TY"), cut.Local, .. cut.Arguments, cut.IsJoined ? 1 : 0, scale]);

    private static OpenClProgram Program(bool isMaximum) => isMaximum ? OpenClProgram.Of(File, ("MAXIMUM", "1")) : OpenClProgram.Of(File);

    private static LaunchArgument[] Axes(ReadOnlySpan<int> sizes, ReadOnlySpan<int> strides)
    {
        LaunchArgument[] arguments = new LaunchArgument[(2 * MostAxes) - 1];
        for (int i = 0; i < MostAxes - 1; i++) arguments[i] = i < sizes.Length ? sizes[i] : 1;
        for (int i = 0; i < MostAxes; i++) arguments[MostAxes - 1 + i] = i < strides.Length ? strides[i] : 0;
        return arguments;
    }
}
