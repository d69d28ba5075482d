using Thomas.Formats.TfLite.Schema;

namespace Thomas.Formats.TfLite;

/// <summary>One operator of the file with its operand and result tensors.</summary>
/// <param name="Code">What it is.</param>
/// <param name="Name">Its name in messages; the custom code of a custom operator.</param>
/// <param name="Inputs">Tensor indices; -1 stands for an operand left out.</param>
/// <param name="Outputs">Tensor indices.</param>
/// <param name="Options">Its options; may be absent.</param>
/// <param name="Place">Where it stands.</param>
internal sealed record OperatorCall(BuiltinOperator Code, string Name, int[] Inputs, int[] Outputs, FlatTable Options, FlatPlace Place)
{
    /// <summary>Whether the operand is given.</summary>
    public bool Has(int operand) => operand < Inputs.Length && Inputs[operand] >= 0;
}
