using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of pooling and its gradients.</summary>
internal static class PoolLaunches
{
    private const string File = "pool";

    /// <summary>y = the largest of each window of x.</summary>
    /// <param name="geometry">Sizes.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Max(ConvGeometry geometry, OpenClLimits limits) => Launch(
        OpenClProgram.Of(File), "max_pool", geometry, geometry.OutH * geometry.OutW,
        [LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TY")], [], limits);

    /// <summary>dx of the node's operands x, y and dy.</summary>
    /// <param name="geometry">Sizes of the pooling.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch MaxGradient(ConvGeometry geometry, OpenClLimits limits)
    {
        ConvGeometry g = geometry;
        bool apart = g.KernelH == g.StrideH && g.KernelW == g.StrideW && g.DilationH == 1 && g.DilationW == 1 && g.PadTop == 0 && g.PadLeft == 0;
        int items = apart ? ColumnPlan.Up(g.InH, g.KernelH) * ColumnPlan.Up(g.InW, g.KernelW) : g.InH * g.InW;
        return Launch(
            OpenClProgram.Of(File), apart ? "max_pool_gradient_apart" : "max_pool_gradient", g, items,
            [LaunchArgument.Input(0).As("TX"), LaunchArgument.Input(1).As("TX"), LaunchArgument.Input(2), LaunchArgument.Output()], [], limits);
    }

    /// <summary>y = f(the mean of each window of x).</summary>
    /// <param name="geometry">Sizes.</param>
    /// <param name="countPadding">Whether padding counts as zeros.</param>
    /// <param name="activation">f.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Average(ConvGeometry geometry, bool countPadding, Activation activation, OpenClLimits limits) => Launch(
        OpenClProgram.Of(File, ActivationMacros.Value(activation)), "average_pool", geometry, geometry.OutH * geometry.OutW,
        [LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TY")], [Divisor(geometry, countPadding)], limits);

    /// <summary>dx of the node's operand dy.</summary>
    /// <param name="geometry">Sizes of the pooling.</param>
    /// <param name="countPadding">Whether padding counted as zeros.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch AverageGradient(ConvGeometry geometry, bool countPadding, OpenClLimits limits) => Launch(
        OpenClProgram.Of(File), "average_pool_gradient", geometry, geometry.InH * geometry.InW, [LaunchArgument.Input(0), LaunchArgument.Output()],
        [Divisor(geometry, countPadding)], limits);

    /// <summary>All taps, or 0 for those inside.</summary>
    private static LaunchArgument Divisor(ConvGeometry g, bool countPadding) => countPadding ? g.KernelH * g.KernelW : 0;

    private static OpenClLaunch Launch(
        OpenClProgram program, string function, ConvGeometry g, int pixels, LaunchArgument[] memory, LaunchArgument[] last, OpenClLimits limits)
    {
        int pack = g.Channels % limits.Vector == 0 ? limits.Vector : 1, channels = g.Channels / pack, count = g.Batch * pixels * channels;
        return new OpenClLaunch(
            program, function, new WorkSize(count), new WorkSize(limits.LoopGroup),
            [
                .. memory, count, channels, pack, g.InH, g.InW, g.OutH, g.OutW, g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.DilationH, g.DilationW, g.PadTop,
                g.PadLeft, .. last,
            ]);
    }
}
