using System;
using System.Collections.Generic;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of element-wise functions.</summary>
internal static class ElementwiseLaunches
{
    /// <summary>Axes of a broadcast, after joining those that behave alike.</summary>
    public const int MostAxes = 6;

    private const string File = "elementwise";

    private static readonly LaunchArgument[] Operands = [LaunchArgument.Input(0).As("TA"), LaunchArgument.Input(1).As("TB"), LaunchArgument.Output().As("TY")];

    /// <summary>y[i] = f(x[i]).</summary>
    /// <param name="expression">f in OpenCL C, of <c>x</c>, which is a name.</param>
    /// <param name="count">Elements.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Map(string expression, int count, OpenClLimits limits) => new(
        OpenClProgram.Of(File, ("F1(x)", $"({expression})")), "map", Vectors(count, limits), new WorkSize(limits.LoopGroup),
        [LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TY"), count]);

    /// <summary>y[i] = f(a[i], b[i]), of the node's first two operands.</summary>
    /// <param name="expression">f in OpenCL C, of <c>a</c> and <c>b</c>, which are names.</param>
    /// <param name="count">Elements.</param>
    /// <param name="oneA">Whether a is one number.</param>
    /// <param name="oneB">Whether b is one number.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Map(string expression, int count, bool oneA, bool oneB, OpenClLimits limits)
    {
        List<(string, string)> macros = [("F2(a, b)", $"({expression})")];
        if (oneA) macros.Add(("ONE_A", "1"));
        if (oneB) macros.Add(("ONE_B", "1"));
        return new OpenClLaunch(
            OpenClProgram.Of(File, [.. macros]), "map2", Vectors(count, limits), new WorkSize(limits.LoopGroup),
            [.. Operands, count]);
    }

    /// <summary>y[i] = f(a[..], b[..]) with broadcasting.</summary>
    /// <param name="expression">f in OpenCL C, of <c>a</c> and <c>b</c>, which are names.</param>
    /// <param name="count">Elements of the result.</param>
    /// <param name="sizes">The result's axes, innermost first.</param>
    /// <param name="stridesA">Distances of neighbors in a along them.</param>
    /// <param name="stridesB">Distances of neighbors in b along them.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Map(
        string expression, int count, ReadOnlySpan<int> sizes, ReadOnlySpan<int> stridesA, ReadOnlySpan<int> stridesB, OpenClLimits limits)
    {
        List<LaunchArgument> arguments = [.. Operands, count];
        for (int i = 0; i < MostAxes - 1; i++) arguments.Add(i < sizes.Length ? sizes[i] : 1);
        for (int i = 0; i < MostAxes; i++) arguments.Add(i < sizes.Length ? stridesA[i] : 0);
        for (int i = 0; i < MostAxes; i++) arguments.Add(i < sizes.Length ? stridesB[i] : 0);
        return new OpenClLaunch(
            OpenClProgram.Of(File, ("F2(a, b)", $"({expression})")), "map2_strided", new WorkSize(count), new WorkSize(limits.LoopGroup), [.. arguments]);
    }

    /// <summary>dx[i] = dy[i] * f'(saved[i]), of the node's first two operands.</summary>
    /// <param name="activation">f.</param>
    /// <param name="count">Elements.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch ActivationGradient(Activation activation, int count, OpenClLimits limits) => new(
        OpenClProgram.Of(File, ActivationMacros.Derivative(activation), ("F2(a, b)", "((a) * SLOPE(b))")), "map2", Vectors(count, limits),
        new WorkSize(limits.LoopGroup),
        [LaunchArgument.Input(0), activation.IsKeptByHalf ? LaunchArgument.Input(1).As("TB") : LaunchArgument.Input(1), LaunchArgument.Output(), count]);

    private static WorkSize Vectors(int count, OpenClLimits limits) => new(ColumnPlan.Up(count, limits.Vector));
}
