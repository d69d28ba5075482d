using System.Diagnostics.CodeAnalysis;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Passes;

/// <summary>A node of the form y = f(W x + b): convolution, depthwise convolution or dense, seen the same way by passes.</summary>
internal readonly struct LinearNode
{
    private LinearNode(Node node, bool hasBias, bool hasResidual, Activation activation, int channelAxis)
    {
        Node = node;
        HasBias = hasBias;
        HasResidual = hasResidual;
        Activation = activation;
        ChannelAxis = channelAxis;
    }

    public Node Node { get; }

    public bool HasBias { get; }

    public bool HasResidual { get; }

    public Activation Activation { get; }

    /// <summary>The axis of the weights that runs over output channels.</summary>
    public int ChannelAxis { get; }

    public Value Weights => Node.Inputs[1];

    public Value? Bias => HasBias ? Node.Inputs[2] : null;

    public int Channels => Node.Output.Shape[-1];

    /// <summary>Whether weights and bias are known and nothing follows the sum inside the node, so that a scale and shift can move in.</summary>
    public bool CanFoldScale => Activation == default && !HasResidual && Weights.IsConstant && (Bias is null || Bias.IsConstant);

    public static bool TryGet(Node? node, [NotNullWhen(true)] out LinearNode linear)
    {
        linear = node?.Attributes switch
        {
            Conv2dAttributes a => new LinearNode(node, a.HasBias, a.HasResidual, a.Activation, 0),
            DepthwiseConv2dAttributes a => new LinearNode(node, a.HasBias, false, a.Activation, 3),
            DenseAttributes a => new LinearNode(node, a.HasBias, false, a.Activation, 0),
            _ => default,
        };
        return linear.Node is not null;
    }

    /// <summary>The node's attributes with other epilogue settings.</summary>
    public OpAttributes With(bool hasBias, bool hasResidual, Activation activation) => Node.Attributes switch
    {
        Conv2dAttributes a => a with { HasBias = hasBias, HasResidual = hasResidual, Activation = activation },
        DepthwiseConv2dAttributes a => a with { HasBias = hasBias, Activation = activation },
        DenseAttributes a => a with { HasBias = hasBias, Activation = activation },
        _ => Node.Attributes,
    };
}
