using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas;

/// <summary>What speaks for numbers that are features, from which other layers tell classes, and not scores of classes.</summary>
internal static class FeatureEvidence
{
    private static readonly string[] Features = ["feature", "embed", "bottleneck"], Scores = ["logit", "score", "class", "predict", "prob", "softmax"];

    /// <summary>The evidence, as a clause; null where there is none. Only for outputs that neither labels nor a softmax or sigmoid make class scores.</summary>
    public static string? Of(Value output)
    {
        if (IsNamed(output.Name, Features)) return $"the output is called '{output.Name}'";
        if (IsNamed(output.Name, Scores)) return null;
        Node? node = ScorePatterns.Behind(output).Producer;
        if (node?.Op is BatchNorm) return "they come from batch normalization";
        if (IsActivated(node)) return "they come from an activation";
        if (!IsPooling(node)) return null;

        // Scores of positions may be averaged: the last convolution of SqueezeNet has a channel for each of ImageNet's classes.
        return node!.Output.Shape[-1] is 1000 or 1001 && node.Inputs[0].Shape[-1] == node.Output.Shape[-1] && IsConvolution(node.Inputs[0])
            ? null
            : "they are averages over the image";
    }

    private static bool IsConvolution(Value value)
    {
        while (value.Producer is { Op: Activate } activation) value = activation.Inputs[0];
        return value.Producer?.Op is Conv2d;
    }

    private static bool IsActivated(Node? node) => node?.Attributes switch
    {
        ActivateAttributes a => a.Activation.Kind != ActivationKind.None,
        Conv2dAttributes a => a.Activation.Kind != ActivationKind.None,
        DenseAttributes a => a.Activation.Kind != ActivationKind.None,
        _ => false,
    };

    private static bool IsPooling(Node? node) =>
        node?.Op is AveragePool2d or MaxPool2d || node is { Op: Reduce, Attributes: ReduceAttributes { Kind: ReduceKind.Mean or ReduceKind.Max } };

    private static bool IsNamed(string name, string[] parts)
    {
        foreach (string part in parts)
        {
            if (name.Contains(part, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}
