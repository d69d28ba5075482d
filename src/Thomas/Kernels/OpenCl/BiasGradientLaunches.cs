using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of an activation's gradient with sums over rows.</summary>
internal static class BiasGradientLaunches
{
    private const string File = "bias_gradient";

    /// <summary>dx[i,c] = dy[i,c] * f'(saved[i,c]) and db[c] = sum_i dx[i,c], of the node's first two operands and results.</summary>
    /// <param name="activation">f.</param>
    /// <param name="rows">Rows; at least one.</param>
    /// <param name="channels">Columns; at least one.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <returns>The launches, and the bytes of the workspace.</returns>
    public static (OpenClLaunch[] Launches, long Workspace) Of(Activation activation, int rows, int channels, OpenClLimits limits)
    {
        ReductionCut cut = ReductionCut.Of(1, rows, channels, limits);
        LaunchArgument db = LaunchArgument.Output(1), sums = cut.Chunks == 1 ? db : LaunchArgument.Workspace();
        LaunchArgument saved = activation.IsKeptByHalf ? LaunchArgument.Input(1).As("TX") : LaunchArgument.Input(1);
        OpenClLaunch first = new(
            OpenClProgram.Of(File, ActivationMacros.Derivative(activation)), "activate_bias_gradient", cut.Items, cut.Group,
            [LaunchArgument.Input(0), saved, LaunchArgument.Output(), sums, cut.Local, .. cut.Arguments]);
        return cut.Chunks == 1 ? ([first], 0) : ([first, ReduceLaunches.Join(isMaximum: false, cut, sums, db, 1, limits)], cut.ResultBytes);
    }
}
