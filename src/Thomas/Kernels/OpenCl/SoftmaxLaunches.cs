using System;
using System.Numerics;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of softmax and of cross-entropy, over rows.</summary>
internal static class SoftmaxLaunches
{
    private const string File = "softmax";

    // Numbers of a row that one work-item takes where there are enough rows, and in a small loss, which then is one launch.
    private const int Numbers = 4, ManyNumbers = 16;

    // Below so many numbers latency counts: each work-item takes one.
    private const int SmallTensor = 1 << 16;

    /// <summary>y = softmax(beta * x) along rows, or its logarithm.</summary>
    /// <param name="rows">Rows; at least one.</param>
    /// <param name="n">Numbers of a row; at least one.</param>
    /// <param name="beta">Factor on the exponent.</param>
    /// <param name="isLogarithm">Whether the logarithm is the result.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Softmax(int rows, int n, float beta, bool isLogarithm, OpenClLimits limits)
    {
        int lanes = Lanes(rows, n, limits);
        return Launch(
            "softmax", rows, lanes, limits,
            [LaunchArgument.Input(0).As("TX"), LaunchArgument.Output().As("TY"), Local(limits), rows, n, lanes, beta, isLogarithm ? 1 : 0]);
    }

    /// <summary>The loss and the probabilities, of the node's operands logits, targets and weights.</summary>
    /// <param name="rows">Rows; at least one.</param>
    /// <param name="n">Classes; at least one.</param>
    /// <param name="limits">Limits of the device.</param>
    /// <returns>The launches, and the bytes of the workspace.</returns>
    public static (OpenClLaunch[] Launches, long Workspace) CrossEntropy(int rows, int n, OpenClLimits limits)
    {
        int lanes = Lanes(rows, n, limits), group = limits.SumGroup;
        while (lanes > 1 && rows > group / lanes && 2 * n <= ManyNumbers * lanes) lanes /= 2;
        int groups = (rows + (group / lanes) - 1) / (group / lanes);
        LaunchArgument loss = LaunchArgument.Output(), sums = groups == 1 ? loss : LaunchArgument.Workspace();
        OpenClLaunch first = Launch(
            "cross_entropy", rows, lanes, limits,
            [
                LaunchArgument.Input(0), LaunchArgument.Input(1), LaunchArgument.Input(2), sums, LaunchArgument.Output(1), Local(limits), rows, n, lanes,
            ]);
        if (groups == 1) return ([first], 0);
        return ([first, ReduceLaunches.Sum(groups, sums, loss, limits)], groups * (long)sizeof(float));
    }

    /// <summary>dL/d(logits), of the node's operands probabilities, targets, weights and dLoss.</summary>
    /// <param name="rows">Rows; at least one.</param>
    /// <param name="n">Classes; at least one.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch CrossEntropyGradient(int rows, int n, OpenClLimits limits)
    {
        int lanes = Lanes(rows, n, limits);
        return Launch(
            "cross_entropy_gradient", rows, lanes, limits,
            [
                LaunchArgument.Input(0), LaunchArgument.Input(1), LaunchArgument.Input(2), LaunchArgument.Input(3), LaunchArgument.Output(), Local(limits),
                rows, n, lanes,
            ]);
    }

    private static OpenClLaunch Launch(string function, int rows, int lanes, OpenClLimits limits, LaunchArgument[] arguments) =>
        new(OpenClProgram.Of(File), function, new WorkSize(checked(rows * lanes)), new WorkSize(limits.SumGroup), arguments);

    /// <summary>Two numbers for each work-item of a group.</summary>
    private static LaunchArgument Local(OpenClLimits limits) => LaunchArgument.Local(limits.SumGroup * 2 * sizeof(float));

    /// <summary>Work-items that share a row; a power of 2.</summary>
    private static int Lanes(int rows, int n, OpenClLimits limits) =>
        Math.Min(limits.SumGroup, (int)BitOperations.RoundUpToPowerOf2((uint)((long)rows * n < SmallTensor ? n : (n + Numbers - 1) / Numbers)));
}
