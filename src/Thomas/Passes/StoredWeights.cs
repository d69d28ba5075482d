using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>
/// Which constants of 16-bit floats stay what they are in a graph: weights, which the operators that read them take so. The others are widened to float32.
/// </summary>
internal static class StoredWeights
{
    /// <summary>Whether an operator computes float32 from an operand of a type. A view would only pass the type on.</summary>
    /// <param name="op">The operator.</param>
    /// <param name="operand">Position of the operand.</param>
    /// <param name="attributes">The node's settings.</param>
    /// <param name="type">The type.</param>
    public static bool Keeps(Op op, int operand, OpAttributes? attributes, DType type) =>
        op is not Reshape && op.OperandTypes(operand, attributes ?? NoAttributes.Instance).Contains(type);

    /// <summary>Whether all nodes that read a value do.</summary>
    public static bool Keeps(Value value, DType type)
    {
        foreach (Node node in value.Consumers)
        {
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (ReferenceEquals(node.Inputs[i], value) && !Keeps(node.Op, i, node.Attributes, type)) return false;
            }
        }

        return value.Consumers.Count > 0;
    }
}
