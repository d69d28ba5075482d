using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Autodiff;

/// <summary>What a parameter does in its layer.</summary>
internal enum ParameterRole
{
    /// <summary>Filter or matrix.</summary>
    Weight,

    /// <summary>Added per channel.</summary>
    Bias,

    /// <summary>Scale of batch normalization.</summary>
    Scale,

    /// <summary>Shift of batch normalization.</summary>
    Shift,

    /// <summary>Slope of PReLU.</summary>
    Slope,
}

/// <summary>A constant of a model that training may change.</summary>
/// <param name="Constant">The constant, of the model's graph.</param>
/// <param name="Node">The node that reads it; the first, if several do.</param>
/// <param name="Role">What it does there.</param>
/// <param name="Layer">Counts layers with weights from the image on, from 0; batch normalization and what follows belong to the layer before.</param>
internal sealed record Parameter(Value Constant, Node Node, ParameterRole Role, int Layer)
{
    /// <summary>The parameters of a graph in the order of its nodes, each once.</summary>
    public static IReadOnlyList<Parameter> Find(Graph graph)
    {
        List<Parameter> parameters = [];
        HashSet<Value> found = [];
        int layer = -1;
        foreach (Node node in graph.Nodes)
        {
            if (LinearNode.HasConstantWeights(node)) layer++;
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (RoleOf(node, i) is ParameterRole role && node.Inputs[i].IsConstant && node.Inputs[i].Type.DType.IsFloat() && found.Add(node.Inputs[i]))
                {
                    parameters.Add(new Parameter(node.Inputs[i], node, role, Math.Max(layer, 0)));
                }
            }
        }

        return parameters;
    }

    private static ParameterRole? RoleOf(Node node, int input) => node.Op switch
    {
        _ when LinearNode.TryGet(node, out LinearNode linear) => input == 1 ? ParameterRole.Weight : input == 2 && linear.HasBias ? ParameterRole.Bias : null,
        BatchNorm when input == 1 => ParameterRole.Scale,
        BatchNorm when input == 2 => ParameterRole.Shift,
        PRelu when input == 1 => ParameterRole.Slope,

        // Exporters write a bias as a sum of its own, in either order.
        Add when IsLayer(node.Inputs[1 - input]) && IsPerChannel(node, input) => ParameterRole.Bias,
        _ => null,
    };

    /// <summary>Whether a value is the result of a layer with weights; dense layers over positions have a reshape behind them.</summary>
    private static bool IsLayer(Value value)
    {
        if (value.Producer is { Op: Reshape } reshape && reshape.Inputs[0].Producer?.Op is Dense && reshape.Inputs[0].Shape[-1] == value.Shape[-1]) return true;
        return LinearNode.TryGet(value.Producer, out _);
    }

    private static bool IsPerChannel(Node add, int input)
    {
        Shape operand = add.Inputs[input].Shape;
        return operand.Rank > 0 && operand.ElementCount == operand[-1] && operand[-1] == add.Output.Shape[-1];
    }
}
