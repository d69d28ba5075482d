using System;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of local response normalization.</summary>
/// <param name="count">Elements.</param>
/// <param name="channels">Size of the innermost axis.</param>
/// <param name="size">Channels in the window.</param>
/// <param name="bias">Added to the scaled sum of squares.</param>
/// <param name="alpha">Factor on the sum of squares.</param>
/// <param name="beta">Exponent.</param>
internal sealed class LocalResponseNormLaunches(int count, int channels, int size, float bias, float alpha, float beta)
{
    private static readonly OpenClProgram Program = OpenClProgram.Of("local_response_norm");

    private readonly int _before = Math.Min((size - 1) / 2, channels - 1);
    private readonly int _after = Math.Min(size / 2, channels - 1);

    private LaunchArgument[] Numbers => [count, channels, _before, _after, bias, alpha, beta];

    /// <summary>y of the node's operand x.</summary>
    /// <param name="limits">Limits of the device.</param>
    public OpenClLaunch Forward(OpenClLimits limits) => new(
        Program, "local_response_norm", new WorkSize(count), new WorkSize(limits.LoopGroup),
        [LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TY"), .. Numbers]);

    /// <summary>dx of the node's operands x and dy; null if the window is too large for local memory.</summary>
    /// <param name="limits">Limits of the device.</param>
    public OpenClLaunch? Gradient(OpenClLimits limits)
    {
        int group = limits.SumGroup;
        long bytes = ((long)group + _before + _after) * sizeof(float);
        return bytes > limits.LocalBytes
            ? null
            : new OpenClLaunch(
                Program, "local_response_norm_gradient", new WorkSize(count), new WorkSize(group),
                [LaunchArgument.Input(0).As("TX"), LaunchArgument.Input(1), LaunchArgument.Output(), LaunchArgument.Local(bytes), .. Numbers]);
    }
}
