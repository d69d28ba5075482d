using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Autodiff;

/// <summary>The parameters that a policy trains. A policy decides nothing else: all of them compile the same way.</summary>
internal static class TrainableSet
{
    /// <summary>Selects the parameters of every policy but <see cref="UpdateKind.Sparse"/>, which needs a memory plan.</summary>
    /// <exception cref="ThomasException">The graph has none of the parameters that the policy is about.</exception>
    public static IReadOnlyList<Parameter> Select(Graph graph, UpdatePolicy policy)
    {
        IReadOnlyList<Parameter> all = Parameter.Find(graph);
        int last = -1;
        foreach (Parameter parameter in all) last = System.Math.Max(last, parameter.Layer);
        if (last < 0) throw new ThomasException("The model has no layer with weights, so there is nothing to train.");
        List<Parameter> selected = [];
        bool hasNorm = false;
        foreach (Parameter parameter in all)
        {
            bool head = parameter.Layer == last;
            bool take = policy.Kind switch
            {
                UpdateKind.Last => head,
                UpdateKind.LastLayers => parameter.Layer > last - policy.Layers,
                UpdateKind.Bias => head || parameter.Role is ParameterRole.Bias or ParameterRole.Shift,
                UpdateKind.Norm => head || parameter.Role is ParameterRole.Scale or ParameterRole.Shift,
                UpdateKind.All or UpdateKind.Scratch or UpdateKind.Sparse => true,
                _ => throw new UnreachableException($"Unknown {policy.Kind}."),
            };
            if (take) selected.Add(parameter);
            hasNorm |= parameter.Role is ParameterRole.Scale or ParameterRole.Shift;
        }

        if (policy.Kind == UpdateKind.Norm && !hasNorm)
        {
            throw new ThomasException(
                "The policy 'norm' trains batch normalization, but this model has none left: it was folded into the weights on export. Use "
                + "'bias', or a file that still has it.");
        }

        return selected;
    }
}
