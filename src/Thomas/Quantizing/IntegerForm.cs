using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Quantizing;

/// <summary>
/// The same network in operators that 8-bit runtimes have: batch normalization in the weights before it or as a product and a sum, activations inside the
/// layers that can apply them, others as products and sums. It computes the same in float32, up to rounding.
/// </summary>
internal static class IntegerForm
{
    private const float Six = 6;

    /// <summary>Rewrites a network.</summary>
    public static Graph Run(Graph graph)
    {
        graph = FoldBatchNorm.Run(FusePad.Run(FoldConstants.Run(graph)));
        GraphRewriter rewriter = new(graph);
        foreach (Node node in graph.Nodes)
        {
            if (!TryRewrite(graph, rewriter, node)) rewriter.Copy(node);
        }

        return EliminateDeadNodes.Run(rewriter.Build());
    }

    /// <summary>Whether layers and sums can apply it themselves: those that the formats have, and clipping, which the grid of the result does.</summary>
    public static bool CanFuse(Activation activation) =>
        activation == Activation.Relu || activation == Activation.Relu6 || (activation.Kind == ActivationKind.Clip && activation.A <= 0 && activation.B >= 0);

    /// <summary>What is left of a fused activation where the result is rounded to a grid that does not reach beyond its bounds.</summary>
    public static Activation OnGrid(Activation activation)
    {
        if (activation == Activation.Clip(0, Six)) return Activation.Relu6;
        if (activation.Kind != ActivationKind.Clip || activation == Activation.Clip(-1, 1)) return activation;
        return activation.A == 0 ? Activation.Relu : Activation.None;
    }

    private static bool TryRewrite(Graph graph, GraphRewriter rewriter, Node node)
    {
        if (LinearNode.TryGet(node, out LinearNode layer) && layer.HasEpilogue) return TryRewriteLayer(graph, rewriter, layer);
        switch (node.Op)
        {
            case BatchNorm when HasConstantOperands(node):
                FoldBatchNorm.ScaleShift(node, out double[] scale, out double[] shift);
                rewriter.Enter(node);
                Value product = Add(rewriter, OpCatalog.Multiply, node, "scaled", rewriter.Map(node.Inputs[0]), Constant(rewriter, node, "scale", scale));
                rewriter.Set(node.Output, rewriter.Builder.Add(OpCatalog.Add, [product, Constant(rewriter, node, "shift", shift)], null, node.Name));
                return true;
            case Divide when Reciprocal(node) is TensorData reciprocal:
                rewriter.Enter(node);
                Value factor = rewriter.Builder.Constant($"{node.Inputs[1].Name}/reciprocal", reciprocal);
                rewriter.Set(node.Output, rewriter.Builder.Add(OpCatalog.Multiply, [rewriter.Map(node.Inputs[0]), factor], null, node.Name));
                return true;
            case Activate:
                return TryRewriteActivation(graph, rewriter, node);
            default:
                return false;
        }
    }

    /// <summary>A layer takes the activation that follows it if it can; residuals, and what it cannot apply in integers, follow it as nodes.</summary>
    private static bool TryRewriteLayer(Graph graph, GraphRewriter rewriter, LinearNode layer)
    {
        Node node = layer.Node;
        if (!layer.HasResidual && layer.Activation == Activation.None) return FollowingActivation(graph, node) is not null;
        if (!layer.HasResidual && CanFuse(layer.Activation)) return false;
        rewriter.Enter(node);
        List<Value> inputs = [.. rewriter.MapInputs(node)];
        Value? residual = layer.HasResidual ? inputs[^1] : null;
        if (residual is not null) inputs.RemoveAt(inputs.Count - 1);
        Value sum = rewriter.Builder.Add(node.Op, [.. inputs], layer.With(layer.HasBias, false, default), $"{node.Name}/{node.Op.Name}");
        if (residual is not null) sum = rewriter.Builder.Add(OpCatalog.Add, [sum, residual], null, $"{node.Name}/Add");
        if (layer.Activation != Activation.None)
        {
            sum = rewriter.Builder.Add(OpCatalog.Activate, [sum], new ActivateAttributes(layer.Activation), $"{node.Name}/{layer.Activation.Kind}");
        }

        rewriter.Set(node.Output, sum);
        return true;
    }

    private static Node? FollowingActivation(Graph graph, Node node) =>
        node.Output.Consumers is [{ Op: Activate } next] && !graph.IsOutput(node.Output) && CanFuse(((ActivateAttributes)next.Attributes).Activation)
            ? next
            : null;

    private static bool TryRewriteActivation(Graph graph, GraphRewriter rewriter, Node node)
    {
        Activation activation = ((ActivateAttributes)node.Attributes).Activation;
        rewriter.Enter(node);
        if (LinearNode.TryGet(node.Inputs[0].Producer, out LinearNode layer) && layer is { HasEpilogue: true, HasResidual: false }
            && layer.Activation == Activation.None && FollowingActivation(graph, layer.Node) == node)
        {
            OpAttributes attributes = layer.With(layer.HasBias, false, activation);
            rewriter.Set(node.Output, rewriter.Builder.Add(layer.Node.Op, rewriter.MapInputs(layer.Node), attributes, node.Name));
            return true;
        }

        if (activation.Kind == ActivationKind.HardSigmoid && activation.A > 0 && activation.B > 0)
        {
            // min(max(a x + b, 0), 1) = a min(max(x + b/a, 0), 1/a): a sum that can be clipped, and a product.
            Value shifted = Add(
                rewriter, OpCatalog.Add, node, "shifted", rewriter.Map(node.Inputs[0]), Constant(rewriter, node, "offset", [activation.B / activation.A]));
            Value clipped = rewriter.Builder.Add(
                OpCatalog.Activate, [shifted], new ActivateAttributes(Bounded(1 / activation.A)), $"{node.Name}/clipped");
            rewriter.Set(
                node.Output, rewriter.Builder.Add(OpCatalog.Multiply, [clipped, Constant(rewriter, node, "slope", [activation.A])], null, node.Name));
            return true;
        }

        if (activation.Kind == ActivationKind.Silu)
        {
            Value x = rewriter.Map(node.Inputs[0]);
            Value gate = rewriter.Builder.Add(
                OpCatalog.Activate, [x], new ActivateAttributes(new Activation(ActivationKind.Sigmoid)), $"{node.Name}/gate");
            rewriter.Set(node.Output, rewriter.Builder.Add(OpCatalog.Multiply, [x, gate], null, node.Name));
            return true;
        }

        return false;
    }

    private static Activation Bounded(float high) => MathF.Abs(high - Six) < 1e-5f ? Activation.Relu6 : Activation.Clip(0, high);

    private static Value Add(GraphRewriter rewriter, Op op, Node node, string part, Value a, Value b) =>
        rewriter.Builder.Add(op, [a, b], null, $"{node.Name}/{part}");

    private static Value Constant(GraphRewriter rewriter, Node node, string part, double[] values) => rewriter.Builder.Constant(
        $"{node.Name}/{part}", TensorData.FromFloats(new Shape(values.Length), Array.ConvertAll(values, static value => (float)value)));

    private static bool HasConstantOperands(Node node)
    {
        for (int i = 1; i < node.Inputs.Count; i++)
        {
            if (!node.Inputs[i].IsConstant) return false;
        }

        return true;
    }

    private static TensorData? Reciprocal(Node node)
    {
        if (node.Inputs[0].IsConstant || node.Inputs[1].Constant is not TensorData data) return null;
        float[] values = data.ToFloats();
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = (float)(1.0 / values[i]);
            if (!float.IsFinite(values[i]) || values[i] == 0) return null;
        }

        return TensorData.FromFloats(data.Type.Shape, values);
    }
}
