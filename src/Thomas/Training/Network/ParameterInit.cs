using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Random first values for training from scratch (He et al. 2015): filters and matrices are normal with variance 2 / fanIn, those of the last layer 1 / fanIn;
/// biases and shifts are 0, scales 1, slopes of PReLU 0.25, stored means 0 and variances 1.
/// </summary>
internal static class ParameterInit
{
    /// <summary>Fills the trained parameters and the statistics.</summary>
    /// <param name="trainee">The network.</param>
    /// <param name="store">Memory of its variables.</param>
    /// <param name="seed">Each parameter has numbers of its own from it.</param>
    public static void Fill(Trainee trainee, VariableStore store, ulong seed)
    {
        Dictionary<Variable, (TrainedParameter Parameter, Rng Rng)> parameters = [];
        Rng rng = new(seed);
        foreach (TrainedParameter parameter in trainee.Parameters) parameters.Add(parameter.Variable, (parameter, rng.Fork((ulong)parameters.Count)));
        HashSet<Variable> statistics = [.. trainee.Statistics];
        foreach (Node node in trainee.Graph.Nodes)
        {
            for (int i = 0; i < node.Inputs.Count; i++)
            {
                if (node.Inputs[i].Variable is not Variable variable) continue;
                if (parameters.Remove(variable, out (TrainedParameter Parameter, Rng Rng) found))
                {
                    store.Fill(variable, values => Fill(found.Parameter, node, found.Rng, values));
                }
                else if (node.Op is BatchNorm && statistics.Contains(variable)) Set(store, variable, i == 4 ? 1 : 0);
            }
        }
    }

    private static void Set(VariableStore store, Variable variable, float value) => store.Fill(variable, values => values.Fill(value));

    private static void Fill(TrainedParameter parameter, Node node, Rng rng, Span<float> values)
    {
        switch (parameter.Role)
        {
            case ParameterRole.Weight:
                Shape shape = parameter.Variable.Shape;
                int fanIn = node.Op is DepthwiseConv2d ? shape[1] * shape[2] : shape.Product(1, shape.Rank);
                float deviation = MathF.Sqrt((parameter.IsHead ? 1f : 2f) / fanIn);
                foreach (ref float value in values) value = rng.Normal(0, deviation);
                break;
            case ParameterRole.Scale:
                values.Fill(1);
                break;
            case ParameterRole.Slope:
                values.Fill(0.25f);
                break;
            case ParameterRole.Bias or ParameterRole.Shift:
                values.Clear();
                break;
            default:
                throw new UnreachableException($"{parameter.Role} has no initial value.");
        }
    }
}
