namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of conversions.</summary>
internal static class CastLaunches
{
    /// <summary>y[i] = x[i] in another type.</summary>
    /// <param name="from">The operand's type: F32, F16, BF16, I8, U8 or I32.</param>
    /// <param name="to">The result's type.</param>
    /// <param name="count">Elements.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Of(string from, string to, int count, OpenClLimits limits) => new(
        OpenClProgram.Of("cast", ($"FROM_{from}", "1"), ($"TO_{to}", "1")), "cast", new WorkSize(ColumnPlan.Up(count, limits.Vector)),
        new WorkSize(limits.LoopGroup), [LaunchArgument.Input(0), LaunchArgument.Output(), count]);
}
