namespace Thomas.Kernels.OpenCl;

/// <summary>Which operands and results of a node lie in memory as 16-bit floats: a bit for each of the first <see cref="Most"/>. Others are float32.</summary>
/// <param name="Inputs">The operands.</param>
/// <param name="Outputs">The results.</param>
internal readonly record struct HalfOperands(ulong Inputs, ulong Outputs)
{
    /// <summary>Operands and results beyond this number are always float32.</summary>
    public const int Most = 64;

    /// <summary>Whether an operand is one of them.</summary>
    public bool Input(int index) => index < Most && (Inputs >> index & 1) != 0;

    /// <summary>Whether a result is one of them.</summary>
    public bool Output(int index) => index < Most && (Outputs >> index & 1) != 0;

    /// <summary>Whether an argument of a launch is one of them.</summary>
    public bool Contains(LaunchArgument argument) => argument.Kind switch
    {
        LaunchArgumentKind.Input or LaunchArgumentKind.Buffer => Input(argument.Index),
        LaunchArgumentKind.Output => Output(argument.Index),
        _ => false,
    };
}
