using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Training;

/// <summary>
/// A classifier cut in two: the part that turns a picture into features, and the linear layer that turns features into class scores. A spatial
/// feature map is averaged over its positions, so features are always one vector a picture.
/// </summary>
internal sealed class HeadSplit
{
    private readonly Model _model;
    private readonly Value _features;

    private HeadSplit(Model model, Value features, LinearHead? head, bool endsInSoftmax, string description)
    {
        _model = model;
        _features = features;
        Head = head;
        EndsInSoftmax = endsInSoftmax;
        Description = description;
    }

    /// <summary>Length of a feature vector.</summary>
    public int FeatureCount => _features.Shape[-1];

    /// <summary>The old head's weights [classes, features] and bias, where the old head is linear in the features; else null.</summary>
    public LinearHead? Head { get; }

    /// <summary>Whether the model hands out probabilities.</summary>
    public bool EndsInSoftmax { get; }

    /// <summary>What was found, for the log.</summary>
    public string Description { get; }

    /// <summary>Finds the last layer with weights on the way back from the output.</summary>
    /// <exception cref="ThomasException">The model's output does not come from such a layer.</exception>
    public static HeadSplit Find(Model model)
    {
        Value output = model.Graph.Outputs[0];
        bool softmax = false, linear = true, pooledAfter = false;
        ScoreScale scores = new(output.Shape.Rank == 0 ? 1 : output.Shape[-1]);
        Value value = output;
        while (true)
        {
            Node node = value.Producer ?? throw new ThomasException($"{model.Info.Name}: found no layer with weights between input and output; this model cannot be tuned.");
            switch (node.Op)
            {
                case Softmax:
                    softmax = true;
                    scores.Reset(((SoftmaxAttributes)node.Attributes).Beta);
                    break;
                case Reshape or Transpose or FakeQuantize:
                    break;
                case Activate:
                    linear = false;
                    break;
                case Reduce when ((ReduceAttributes)node.Attributes).Kind is ReduceKind.Mean or ReduceKind.Sum:
                    linear &= ((ReduceAttributes)node.Attributes).Kind == ReduceKind.Mean;
                    pooledAfter = true;
                    break;
                case AveragePool2d:
                    linear &= ((AveragePool2dAttributes)node.Attributes).Activation == default;
                    pooledAfter = true;
                    break;
                case BinaryOp when scores.TryFollow(node) is Value operand:
                    value = operand;
                    continue;
                case Dense or Conv2d when node.Inputs[1].IsConstant && !pooledAfter || IsClassifierConv(model, node, softmax):
                    return AtLinear(model, node, softmax, linear ? scores : null);
                default:
                    return Extractor(model, output, softmax, node);
            }

            value = node.Inputs[0];
        }
    }

    /// <summary>The graph from the picture to the features, [n, FeatureCount].</summary>
    public Graph FeatureGraph()
    {
        (GraphBuilder builder, Value features) = CopyBackbone();
        return builder.Build(features);
    }

    /// <summary>
    /// The model with a new head: a dense layer, then softmax if the old model ended in it. The output keeps its name, because programs ask for it by that.
    /// </summary>
    public Model WithHead(LinearHead head, IReadOnlyList<string> labels, Preprocessing preprocessing)
    {
        (GraphBuilder builder, Value features) = CopyBackbone();
        Value w = builder.Constant("head.weight", TensorData.FromFloats(new Shape(head.Classes, FeatureCount), head.Weights.ToArray()));
        Value b = builder.Constant("head.bias", TensorData.FromFloats(new Shape(head.Classes), head.Bias.ToArray()));
        Value old = _model.Graph.Outputs[0];
        string name = ReferenceEquals(old, _features) ? "probabilities" : old.Name;
        Value scores = builder.Add(OpCatalog.Dense, [features, w, b], new DenseAttributes(HasBias: true), EndsInSoftmax ? "head.scores" : name);
        if (EndsInSoftmax) scores = builder.Add(OpCatalog.Softmax, [scores], new SoftmaxAttributes(), name);
        return new Model(builder.Build(scores), _model.Info with { Labels = labels, Preprocessing = preprocessing, PreprocessingSource = "" });
    }

    /// <summary>A 1x1 convolution whose scores are pooled is the head (SqueezeNet) if its channels are the classes that the file names or scores.</summary>
    private static bool IsClassifierConv(Model model, Node node, bool softmax)
    {
        if (node.Op is not Conv2d || !node.Inputs[1].IsConstant) return false;
        int channels = node.Output.Shape[3];
        return softmax || channels == model.Info.Labels?.Count || channels is 1000 or 1001;
    }

    private static HeadSplit AtLinear(Model model, Node node, bool softmax, ScoreScale? scores)
    {
        Value features = node.Inputs[0];
        LinearNodeView view = new(node);
        bool pointwise = node.Op is Dense || (((Conv2dAttributes)node.Attributes).Window.IsPointwise && ((Conv2dAttributes)node.Attributes).Groups == 1);
        LinearHead? head = scores is not null && pointwise && view.Activation == default && view.HasKnownBias
            ? scores.Apply(view.Weights, view.Bias ?? new float[node.Output.Shape[-1]])
            : null;
        return new HeadSplit(model, features, head, softmax, $"head '{node.Name}' ({node.Op.Name}, {features.Shape[-1]} features to {node.Output.Shape[-1]} classes)");
    }

    private static HeadSplit Extractor(Model model, Value output, bool softmax, Node stop)
    {
        if (softmax || output.Shape.Rank is not (2 or 4))
            throw new ThomasException($"{model.Info.Name}: the output comes from {stop}, which is no dense layer or convolution; this model's last layer cannot be tuned.");
        return new HeadSplit(model, output, null, endsInSoftmax: true, $"no classifier found (the output comes from {stop}): the output's {output.Shape[-1]} numbers are the features");
    }

    private (GraphBuilder Builder, Value Features) CopyBackbone()
    {
        bool[] needed = new bool[_model.Graph.Values.Count];
        needed[_features.Id] = true;
        for (int i = _model.Graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = _model.Graph.Nodes[i];
            if (!needed[node.Output.Id]) continue;
            foreach (Value input in node.Inputs) needed[input.Id] = true;
        }

        Passes.GraphRewriter rewriter = new(_model.Graph);
        foreach (Node node in _model.Graph.Nodes)
        {
            if (needed[node.Output.Id]) rewriter.Copy(node);
        }

        Value features = rewriter.Map(_features);
        if (features.Shape.Rank == 4)
        {
            features = features.Shape[1] == 1 && features.Shape[2] == 1
                ? rewriter.Builder.Add(OpCatalog.Reshape, [features], new ReshapeAttributes(new IntList(0, FeatureCount)), "features")
                : rewriter.Builder.Add(OpCatalog.Reduce, [features], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "features");
        }

        return (rewriter.Builder, features);
    }

    private readonly struct LinearNodeView(Node node)
    {
        public float[] Weights => node.Inputs[1].Constant!.Floats.ToArray();

        public bool HasKnownBias => node.Inputs.Count < 3 || node.Inputs[2].IsConstant;

        public float[]? Bias => node.Attributes switch
        {
            DenseAttributes { HasBias: true } or Conv2dAttributes { HasBias: true } when node.Inputs[2].Constant is TensorData bias => bias.Floats.ToArray(),
            _ => null,
        };

        public Activation Activation => node.Attributes switch
        {
            DenseAttributes dense => dense.Activation,
            Conv2dAttributes conv => conv.Activation,
            _ => default,
        };
    }

    /// <summary>
    /// What stands between a layer and the scores: score[c] = scale[c] * y[c] + shift[c]. Exporters write a bias as a sum of its own, and 8-bit
    /// layers count in steps that are scaled afterwards.
    /// </summary>
    private sealed class ScoreScale
    {
        private readonly double[] _scale;
        private readonly double[] _shift;

        public ScoreScale(int classes)
        {
            _scale = new double[classes];
            _shift = new double[classes];
            Reset(1);
        }

        /// <summary>Forgets what follows a softmax: the new model ends in one of its own, without the factor of the old one.</summary>
        public void Reset(double factor)
        {
            Array.Fill(_scale, factor);
            Array.Clear(_shift);
        }

        /// <summary>Takes in a node on the way back from the scores and returns its operand; null if it is no product or sum with a constant for each class.</summary>
        public Value? TryFollow(Node node)
        {
            int constant = node.Inputs[1].IsConstant ? 1 : node.Op is Add or Multiply && node.Inputs[0].IsConstant ? 0 : -1;
            if (constant < 0 || node.Op is not (Add or Subtract or Multiply or Divide) || node.Inputs[1 - constant].IsConstant) return null;
            Value operand = node.Inputs[constant];
            if (operand.Shape.ElementCount != 1 && (operand.Shape.ElementCount != _scale.Length || operand.Shape[-1] != _scale.Length)) return null;
            ReadOnlySpan<float> values = operand.Constant!.Floats;
            for (int c = 0; c < _scale.Length; c++)
            {
                double value = values[values.Length == 1 ? 0 : c];
                if (node.Op is Add or Subtract) _shift[c] += node.Op is Add ? _scale[c] * value : -_scale[c] * value;
                else _scale[c] = node.Op is Multiply ? _scale[c] * value : _scale[c] / value;
            }

            return node.Inputs[1 - constant];
        }

        /// <summary>The layer and what follows as one head; null if the layer has other classes than the scores.</summary>
        public LinearHead? Apply(float[] weights, float[] bias)
        {
            if (bias.Length != _scale.Length) return null;
            int features = weights.Length / bias.Length;
            for (int i = 0; i < weights.Length; i++) weights[i] = (float)(weights[i] * _scale[i / features]);
            for (int c = 0; c < bias.Length; c++) bias[c] = (float)((bias[c] * _scale[c]) + _shift[c]);
            return new LinearHead(weights, bias);
        }
    }
}
