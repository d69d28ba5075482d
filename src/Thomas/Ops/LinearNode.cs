using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Thomas.Graphs;
using Thomas.Kernels.Activations;

namespace Thomas.Ops;

/// <summary>
/// A layer with weights, y = f(W x + b): the one description of a convolution, depthwise convolution, transposed convolution or dense layer, for all code that
/// treats them alike.
/// </summary>
internal readonly struct LinearNode
{
    private LinearNode(Node node, bool hasEpilogue, bool hasBias, bool hasResidual, Activation activation, int channelAxis)
    {
        Node = node;
        HasEpilogue = hasEpilogue;
        HasBias = hasBias;
        HasResidual = hasResidual;
        Activation = activation;
        ChannelAxis = channelAxis;
    }

    public Node Node { get; }

    /// <summary>Whether the node can add a bias and apply an activation itself.</summary>
    public bool HasEpilogue { get; }

    public bool HasBias { get; }

    public bool HasResidual { get; }

    public Activation Activation { get; }

    /// <summary>The axis of the weights that runs over output channels; in a transposed convolution over those of one group.</summary>
    public int ChannelAxis { get; }

    public Value Weights => Node.Inputs[1];

    public Value? Bias => HasBias ? Node.Inputs[2] : null;

    public int Channels => Node.Output.Shape[-1];

    /// <summary>Whether weights and bias are known and nothing follows the sum inside the node, so that a scale and shift can move in.</summary>
    public bool CanFoldScale => HasEpilogue && Activation == default && !HasResidual && Weights.IsConstant && (Bias is null || Bias.IsConstant);

    public static bool TryGet(Node? node, [NotNullWhen(true)] out LinearNode linear)
    {
        linear = (node?.Op, node?.Attributes) switch
        {
            (Conv2d, Conv2dAttributes a) => new LinearNode(node, true, a.HasBias, a.HasResidual, a.Activation, 0),
            (DepthwiseConv2d, DepthwiseConv2dAttributes a) => new LinearNode(node, true, a.HasBias, false, a.Activation, 3),
            (ConvTranspose2d, _) => new LinearNode(node, false, false, false, default, 3),
            (Dense, DenseAttributes a) => new LinearNode(node, true, a.HasBias, false, a.Activation, 0),
            _ => default,
        };
        return linear.Node is not null;
    }

    /// <summary>Whether a node is such a layer, with weights that are part of the model.</summary>
    public static bool HasConstantWeights(Node? node) => TryGet(node, out LinearNode linear) && linear.Weights.IsConstant;

    /// <summary>The node's attributes with other epilogue settings; only where <see cref="HasEpilogue"/>.</summary>
    public OpAttributes With(bool hasBias, bool hasResidual, Activation activation) => Node.Attributes switch
    {
        Conv2dAttributes a => a with { HasBias = hasBias, HasResidual = hasResidual, Activation = activation },
        DepthwiseConv2dAttributes a => a with { HasBias = hasBias, Activation = activation },
        DenseAttributes a => a with { HasBias = hasBias, Activation = activation },
        _ => throw new UnreachableException($"{Node} has no epilogue."),
    };
}
