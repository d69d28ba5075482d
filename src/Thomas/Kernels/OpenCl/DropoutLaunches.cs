namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of dropout, with the masks of <see cref="Elementwise.DropoutMask"/>.</summary>
internal static class DropoutLaunches
{
    /// <summary>y[i] = mask keeps i ? x[i] / kept : 0. Operands: x, the step.</summary>
    /// <param name="count">Elements.</param>
    /// <param name="seed">The seed after <see cref="Elementwise.DropoutMask.SplitMix64"/>.</param>
    /// <param name="threshold">See <see cref="Elementwise.DropoutMask.Threshold"/>.</param>
    /// <param name="kept">The share of elements that stay.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Of(int count, ulong seed, int threshold, float kept, OpenClLimits limits) => new(
        OpenClProgram.Of("dropout"), "dropout", new WorkSize(ColumnPlan.Up(count, limits.Vector)), new WorkSize(limits.LoopGroup),
        [
            LaunchArgument.Input(0).As("TX"), LaunchArgument.Input(1), LaunchArgument.Output().As("TY"), count, (int)(uint)seed, (int)(uint)(seed >> 32),
            threshold, kept,
        ]);
}
