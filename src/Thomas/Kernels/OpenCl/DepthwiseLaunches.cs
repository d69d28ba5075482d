using System.Globalization;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of depthwise convolution.</summary>
internal static class DepthwiseLaunches
{
    private const string File = "depthwise";
    private const int Pixels = 4;

    /// <summary>What of a window's kernels is unrolled for it: 3x3 and 5x5 taps with stride 1 or 2, for results of one channel each.</summary>
    public static bool IsCommon(in ConvGeometry g, int multiplier) =>
        g is { KernelH: 3 or 5, StrideH: 1 or 2, DilationH: 1, DilationW: 1 } && g.KernelW == g.KernelH && g.StrideW == g.StrideH && multiplier == 1;

    /// <summary>What names of kernels say of the window.</summary>
    public static string NameOf(in ConvGeometry g, int multiplier, OpenClLimits limits) => IsCommon(g, multiplier)
        ? string.Create(CultureInfo.InvariantCulture, $"k{g.KernelH}x{g.KernelW}s{g.StrideH}v{VectorOf(g.Channels, limits.Vector)}")
        : "any";

    /// <summary>y = f(sum of x * filter + bias), of the node's operands x, filter and bias.</summary>
    /// <param name="g">The window.</param>
    /// <param name="multiplier">Result channels for each channel.</param>
    /// <param name="hasBias">Whether there is a bias.</param>
    /// <param name="activation">f.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Convolution(in ConvGeometry g, int multiplier, bool hasBias, Activation activation, OpenClLimits limits) => Convolution(
        g, multiplier, LaunchArgument.Input(0), LaunchArgument.Input(1), hasBias ? LaunchArgument.Input(2) : null, LaunchArgument.Output(), activation, limits);

    /// <summary>y = f(sum of x * filter + bias).</summary>
    /// <param name="g">The window.</param>
    /// <param name="multiplier">Result channels for each channel.</param>
    /// <param name="x">The images.</param>
    /// <param name="filter">The filter.</param>
    /// <param name="bias">The bias; null for none.</param>
    /// <param name="y">The result.</param>
    /// <param name="activation">f.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Convolution(
        in ConvGeometry g, int multiplier, LaunchArgument x, LaunchArgument filter, LaunchArgument? bias, LaunchArgument y, Activation activation,
        OpenClLimits limits)
    {
        (string, string) act = ActivationMacros.Value(activation);
        bool isCommon = IsCommon(g, multiplier);
        int vector = VectorOf(g.Channels, limits.Vector), strip = limits.Family == TileFamily.Registers ? 1 : 2;
        int items = isCommon
            ? g.Batch * ColumnPlan.Up(g.OutH, strip) * ColumnPlan.Up(g.OutW, Pixels) * (g.Channels / vector)
            : g.OutPixels * g.Channels * multiplier;
        LaunchArgument[] arguments =
        [
            x.As("TX"), filter, bias ?? filter, y.As("TY"), items, g.InH, g.InW, g.Channels, g.OutH, g.OutW, g.PadTop, g.PadLeft, bias is null ? 0 : 1,
        ];
        if (!isCommon)
        {
            return new OpenClLaunch(
                OpenClProgram.Of(File, act), "depthwise_any", new WorkSize(items), new WorkSize(limits.LoopGroup),
                [.. arguments, multiplier, g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.DilationH, g.DilationW]);
        }

        OpenClProgram program = OpenClProgram.Of(
            File, ("K", Text(g.KernelH)), ("S", Text(g.StrideH)), ("V", Text(vector)), ("R", Text(strip)), ("T", Text(Pixels)), act);
        return new OpenClLaunch(program, "depthwise", new WorkSize(items), new WorkSize(limits.LoopGroup), arguments);
    }

    /// <summary>The widest vector, of 4, 2 or 1 channels, that is no wider than asked for and divides them.</summary>
    internal static int VectorOf(int channels, int most) => most >= 4 && channels % 4 == 0 ? 4 : most >= 2 && channels % 2 == 0 ? 2 : 1;

    /// <summary>An integer as the text of a macro.</summary>
    internal static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}
