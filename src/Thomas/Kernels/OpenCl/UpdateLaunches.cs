namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of the steps of optimizers. The operands come in the order of the operators, and what is updated is updated where it lies.</summary>
internal static class UpdateLaunches
{
    private static readonly OpenClProgram Program = OpenClProgram.Of("updates");

    /// <summary>
    /// g = grad * control[1] + coupled decay * w; v = momentum * v + g; w = kept * w - rate * (nesterov ? g + momentum * v : v), rate = control[0] *
    /// rateFactor. Operands: w, v, grad, control.
    /// </summary>
    /// <param name="count">Elements.</param>
    /// <param name="rateFactor">Factor on the learning rate.</param>
    /// <param name="momentum">Decay of the moment.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="decoupled">Whether decay shrinks the parameter instead of joining the gradient.</param>
    /// <param name="nesterov">Whether the step looks ahead.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Sgd(int count, float rateFactor, float momentum, float decay, bool decoupled, bool nesterov, OpenClLimits limits) => Launch(
        "sgd", [0, 1, 2], 4, count, limits,
        [
            LaunchArgument.Output(0), LaunchArgument.Output(1), LaunchArgument.Input(2), LaunchArgument.Input(3), count, rateFactor, momentum, decay,
            decoupled ? 1 : 0, nesterov ? 1 : 0,
        ]);

    /// <summary>
    /// g = grad * control[1] + coupled decay * w; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2; w = kept * w - rate * control[2] * m /
    /// (sqrt(v) * control[3] + epsilon), rate = control[0] * rateFactor. Operands: w, m, v, grad, control.
    /// </summary>
    /// <param name="count">Elements.</param>
    /// <param name="rateFactor">Factor on the learning rate.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="epsilon">Added to the root.</param>
    /// <param name="decay">Weight decay.</param>
    /// <param name="decoupled">Whether decay shrinks the parameter instead of joining the gradient.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Adam(
        int count, float rateFactor, float beta1, float beta2, float epsilon, float decay, bool decoupled, OpenClLimits limits) => Launch(
        "adam", [0, 1, 2, 3], 5, count, limits,
        [
            LaunchArgument.Output(0), LaunchArgument.Output(1), LaunchArgument.Output(2), LaunchArgument.Input(3), LaunchArgument.Input(4), count, rateFactor,
            beta1, 1 - beta1, beta2, 1 - beta2, epsilon, decay, decoupled ? 1 : 0,
        ]);

    /// <summary>sum = keep[0] = 0 ? grad : sum + grad. Operands: sum, grad, keep.</summary>
    public static OpenClLaunch Accumulate(int count, OpenClLimits limits) =>
        Launch("accumulate", [0, 1], 3, count, limits, [LaunchArgument.Output(), LaunchArgument.Input(1), LaunchArgument.Input(2), count]);

    /// <summary>average = kept * average + gain * value. Operands: average, value.</summary>
    public static OpenClLaunch MovingAverage(int count, float kept, float gain, OpenClLimits limits) =>
        Launch("moving_average", [0, 1], 2, count, limits, [LaunchArgument.Output(), LaunchArgument.Input(1), count, kept, gain]);

    private static OpenClLaunch Launch(string function, int[] memories, int countAt, int count, OpenClLimits limits, LaunchArgument[] arguments) =>
        new(Program, function, new WorkSize(ColumnPlan.Up(count, limits.Vector)), new WorkSize(limits.LoopGroup), arguments)
        {
            Joint = new OpenClJoint($"{function}_joint", memories, countAt),
        };
}
