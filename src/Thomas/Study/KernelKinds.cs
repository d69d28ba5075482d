using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Study;

/// <summary>Sorts the nodes of a step by what they do there, as the figures of papers on training do.</summary>
internal static class KernelKinds
{
    public const string
        ForwardConvolution = "forward-convolution",
        ForwardDense = "forward-dense",
        Activation = "activation",
        Pooling = "pooling",
        Normalization = "normalization",
        ForwardOther = "forward-other",
        Loss = "loss",
        BackwardData = "backward-data",
        WeightGradient = "weight-gradient",
        BothGradients = "both-gradients",
        ActivationBackward = "activation-backward",
        PoolingBackward = "pooling-backward",
        NormalizationBackward = "normalization-backward",
        BackwardOther = "backward-other",
        Recompute = "recompute",
        Update = "update",
        Transfer = "transfer",
        NonKernel = "non-kernel";

    /// <summary>The kind of each node of a graph.</summary>
    public static Dictionary<Node, string> Of(Graph graph)
    {
        HashSet<Value> gradients = [];
        foreach (Node node in graph.Nodes)
        {
            if (node.Op is not UpdateOp) continue;
            foreach (Value input in node.Inputs) gradients.Add(input);
        }

        // Sums of gradients, their clipping and their views lie between a gradient and its update.
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            if (node.Op is not Accumulate and not ClipByGlobalNorm && !node.Op.IsView(node)) continue;
            if (!AnyIn(node.Outputs, gradients)) continue;
            foreach (Value input in node.Inputs) gradients.Add(input);
        }

        Dictionary<Node, string> kinds = [];
        foreach (Node node in graph.Nodes) kinds.Add(node, Of(node, AnyIn(node.Outputs, gradients)));
        return kinds;
    }

    private static string Of(Node node, bool isGradient) => (node.Stage, node.Op) switch
    {
        (_, Thomas.Ops.Transfer) => Transfer,
        (Stage.Recompute, _) => Recompute,
        (Stage.Update, _) or (_, UpdateOp or Accumulate or ClipByGlobalNorm) => Update,
        (_, SoftmaxCrossEntropy or SoftmaxCrossEntropyGradient) => Loss,
        (Stage.Backward, DepthwiseConv2dGradient) => BothGradients,
        (Stage.Backward, Conv2dFilterGradient or DepthwiseConv2dFilterGradient) => WeightGradient,
        (Stage.Backward, Conv2dInputGradient or DepthwiseConv2dInputGradient or ConvTranspose2d or Conv2d or DepthwiseConv2d) => BackwardData,
        (Stage.Backward, MatMul or Dense) => isGradient ? WeightGradient : BackwardData,
        (Stage.Backward, ActivateGradient or ActivateBiasGradient) => ActivationBackward,
        (Stage.Backward, MaxPool2dGradient or AveragePool2dGradient or ReduceMaxGradient) => PoolingBackward,
        (Stage.Backward, BatchNormTrainingGradient or LocalResponseNormGradient) => NormalizationBackward,
        (Stage.Backward, _) => isGradient ? WeightGradient : BackwardOther,
        (_, Conv2d or DepthwiseConv2d or ConvTranspose2d or InvertedResidual or ConvolutionMoments) => ForwardConvolution,
        (_, Dense or MatMul) => ForwardDense,
        (_, Activate) => Activation,
        (_, MaxPool2d or AveragePool2d or Reduce) => Pooling,
        (_, BatchNorm or BatchNormTraining or BatchNormFromMoments or LocalResponseNorm) => Normalization,
        (_, Softmax) => Loss,
        _ => ForwardOther,
    };

    private static bool AnyIn(IReadOnlyList<Value> values, HashSet<Value> set)
    {
        foreach (Value value in values)
        {
            if (set.Contains(value)) return true;
        }

        return false;
    }
}
