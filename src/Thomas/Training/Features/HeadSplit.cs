using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;

namespace Thomas.Training;

/// <summary>
/// A classifier cut in two: the part that turns an image into features, and the linear layer that turns features into class scores. A spatial
/// feature map is averaged over its positions, so features are always one vector an image.
/// </summary>
internal sealed class HeadSplit
{
    private static readonly ConditionalWeakTable<Model, HeadSplit> Known = [];

    private readonly Model _model;
    private readonly ClassOutput _output;
    private readonly Value _features;
    private readonly Func<LinearHead?> _head;

    private HeadSplit(Model model, ClassOutput output, Value features, Func<LinearHead?> head, string description)
    {
        _model = model;
        _output = output;
        _features = features;
        _head = head;
        Description = description;
    }

    /// <summary>Length of a feature vector.</summary>
    public int FeatureCount => _features.Shape[-1];

    /// <summary>
    /// The old head's weights [classes, features] and bias, whose softmax gives the model's probabilities; null where the old head is not linear in the
    /// features. A single output with a sigmoid has two rows here, zeros and its own: sigmoid(s) is the second number of softmax(0, s). Made anew each time.
    /// </summary>
    public LinearHead? Head => _head();

    /// <summary>What was found, for the log.</summary>
    public string Description { get; }

    /// <summary>Finds the last layer with weights on the way back from the output; once for each model.</summary>
    /// <exception cref="ThomasException">The model's output does not come from such a layer.</exception>
    public static HeadSplit Find(Model model) => Known.GetValue(model, Search);

    private static HeadSplit Search(Model model)
    {
        ClassOutput output = ClassOutput.Find(model);
        Way way = new(output);
        Value value = model.Graph.Outputs[output.Index];
        while (true)
        {
            Node node = value.Producer
                ?? throw new ThomasException($"{model.Info.Name}: no layer with weights was found between input and output; this model cannot be tuned.");
            if (way.Follow(node) is Value operand)
            {
                value = operand;
                continue;
            }

            if (node.Op is Dense or Conv2d && node.Inputs[1].IsConstant && (!way.IsPooled || IsClassifierConv(model, node, way.HasProbabilities)))
            {
                return AtLinear(model, output, node, way);
            }

            return Extractor(model, output, way.HasProbabilities, node);
        }
    }

    /// <summary>The graph from the image to the features, [n, FeatureCount].</summary>
    public Graph FeatureGraph()
    {
        (GraphBuilder builder, Value features) = CopyBackbone();
        return builder.Build(features);
    }

    /// <summary>
    /// The graph from the image to one vector: the numbers of the class output, then the features, [n, numbers + FeatureCount]. What both need is computed
    /// once.
    /// </summary>
    public Graph ScoresAndFeatures()
    {
        Passes.GraphRewriter rewriter = new(_model.Graph);
        foreach (Node node in _model.Graph.Nodes) rewriter.Copy(node);
        Value scores = rewriter.Map(_output.Scores), features = Flat(rewriter);
        if (scores.Shape.Rank != 2)
        {
            scores = rewriter.Builder.Add(OpCatalog.Reshape, [scores], new ReshapeAttributes(new IntList(0, _output.Numbers)), "scores.flat");
        }

        Value both = rewriter.Builder.Add(OpCatalog.Concat, [scores, features], new ConcatAttributes(1), "scores.features");
        return Passes.EliminateDeadNodes.Run(rewriter.Builder.Build(both));
    }

    /// <summary>
    /// The model with a new head: a dense layer, then a softmax unless logits are wanted. The output keeps its name, because programs ask for it by that,
    /// unless the name says something else than the numbers are.
    /// </summary>
    /// <param name="head">The head.</param>
    /// <param name="labels">Names of its classes.</param>
    /// <param name="preprocessing">What makes the network's input of an image.</param>
    /// <param name="logits">Whether the output is the scores before the softmax.</param>
    /// <param name="rehearsal">Feature vectors of the classes.</param>
    public Model WithHead(LinearHead head, IReadOnlyList<string> labels, Preprocessing preprocessing, bool logits = false, Rehearsal? rehearsal = null)
    {
        (GraphBuilder builder, Value features) = CopyBackbone();
        Value w = builder.Constant("head.weight", TensorData.FromFloats(new Shape(head.Classes, FeatureCount), head.Weights.ToArray()));
        Value b = builder.Constant("head.bias", TensorData.FromFloats(new Shape(head.Classes), head.Bias.ToArray()));
        Value old = _model.Graph.Outputs[_output.Index];
        string name = ReferenceEquals(old, _features) || ClassOutput.IsFalseName(old.Name, isProbability: !logits)
            ? (logits ? "logits" : "probabilities")
            : ClassOutput.WithoutType(old.Name);
        Value scores = builder.Add(OpCatalog.Dense, [features, w, b], new DenseAttributes(HasBias: true), logits ? name : "head.scores");
        if (!logits) scores = builder.Add(OpCatalog.Softmax, [scores], new SoftmaxAttributes(), name);
        return new Model(
            builder.Build(scores), _model.Info with { Labels = labels, Preprocessing = preprocessing, PreprocessingSource = "", Rehearsal = rehearsal });
    }

    /// <summary>The model with an untrained last layer.</summary>
    /// <param name="classes">Classes of the new layer.</param>
    /// <param name="labels">Their names; empty for a model that is only planned with.</param>
    public Model WithNewHead(int classes, IReadOnlyList<string> labels) =>
        WithHead(new LinearHead(new float[(long)classes * FeatureCount], new float[classes]), labels, ImageInput.Of(_model).Preprocessing);

    /// <summary>A 1x1 convolution whose scores are pooled is the head (SqueezeNet) if its channels are the classes that the file names or scores.</summary>
    private static bool IsClassifierConv(Model model, Node node, bool hasProbabilities)
    {
        if (node.Op is not Conv2d) return false;
        int channels = node.Output.Shape[3];
        return hasProbabilities || channels == model.Info.Labels?.Count || channels is 1000 or 1001;
    }

    private static HeadSplit AtLinear(Model model, ClassOutput output, Node node, Way way)
    {
        Value features = node.Inputs[0];
        LinearNode.TryGet(node, out LinearNode layer);
        bool pointwise = node.Op is Dense || (((Conv2dAttributes)node.Attributes).Window.IsPointwise && ((Conv2dAttributes)node.Attributes).Groups == 1);
        int outputs = node.Output.Shape[-1];
        bool isLinear = way.IsLinear && !output.IsIndependent && pointwise && layer.CanFoldScale;
        LinearHead? Head() => isLinear ? way.Apply(layer.Weights.Constant!.ToFloats(), layer.Bias?.Constant!.ToFloats() ?? new float[outputs]) : null;
        string classes = output.IsBinary ? "one output, which is two classes"
            : output.IsIndependent ? $"{outputs} classes with independent probabilities"
            : $"{outputs} classes";
        return new HeadSplit(model, output, features, Head, $"head '{node.Name}' ({node.Op.Name}, {features.Shape[-1]} features to {classes})");
    }

    private static HeadSplit Extractor(Model model, ClassOutput output, bool hasProbabilities, Node stop)
    {
        Value value = model.Graph.Outputs[output.Index];
        if (hasProbabilities || value.Shape.Rank is not (2 or 4))
        {
            throw new ThomasException(
                $"{model.Info.Name}: the output comes from {stop}, which is neither a dense layer nor a convolution; this model's last layer cannot be tuned.");
        }

        return new HeadSplit(
            model, output, value, static () => null,
            $"no classifier found (the output comes from {stop}): the {value.Shape[-1]} output values are used as features");
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

        return (rewriter.Builder, Flat(rewriter));
    }

    /// <summary>The features as one vector an image.</summary>
    private Value Flat(Passes.GraphRewriter rewriter)
    {
        Value features = rewriter.Map(_features);
        if (features.Shape.Rank == 4)
        {
            features = features.Shape[1] == 1 && features.Shape[2] == 1
                ? rewriter.Builder.Add(OpCatalog.Reshape, [features], new ReshapeAttributes(new IntList(0, FeatureCount)), "features")
                : rewriter.Builder.Add(OpCatalog.Reduce, [features], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "features");
        }

        return features;
    }

    /// <summary>What has been passed on the way back from the output.</summary>
    private sealed class Way(ClassOutput output)
    {
        private readonly ScoreScale _scores = new(output.Numbers);
        private bool _isTwoClass = output.IsBinary;
        private bool _isFlipped;

        /// <summary>Whether a softmax or the sigmoid of a single output was passed.</summary>
        public bool HasProbabilities { get; private set; }

        /// <summary>Whether scores of several positions are averaged.</summary>
        public bool IsPooled { get; private set; }

        /// <summary>Whether the scores are linear in what comes next.</summary>
        public bool IsLinear { get; private set; } = true;

        /// <summary>The operand of a node that changes scores without having weights; null for any other node.</summary>
        public Value? Follow(Node node)
        {
            if (ScorePatterns.SoftmaxLogits(node) is Value logits) return AtSoftmax(logits, 1);
            if (ScorePatterns.TwoClasses(node, out bool isFirst) is Value p)
            {
                (_isTwoClass, _isFlipped) = (true, isFirst);
                _scores.Shrink();
                return p;
            }

            switch (node.Op)
            {
                case Softmax:
                    return AtSoftmax(node.Inputs[0], ((SoftmaxAttributes)node.Attributes).Beta);
                case Reshape or Transpose or FakeQuantize:
                    break;
                case Activate when _isTwoClass && !HasProbabilities && ((ActivateAttributes)node.Attributes).Activation.Kind is ActivationKind.Sigmoid
                    or ActivationKind.Tanh:
                    // (1 + tanh x) / 2 is the sigmoid of 2x.
                    HasProbabilities = true;
                    IsLinear = !IsPooled;
                    _scores.Reset(_scores.Sign * (((ActivateAttributes)node.Attributes).Activation.Kind == ActivationKind.Tanh ? 2 : 1));
                    break;
                case Activate:
                    IsLinear = false;
                    break;
                case Reduce when ((ReduceAttributes)node.Attributes).Kind is ReduceKind.Mean or ReduceKind.Sum:
                    IsLinear &= ((ReduceAttributes)node.Attributes).Kind == ReduceKind.Mean;
                    IsPooled = true;
                    break;
                case AveragePool2d:
                    IsLinear &= ((AveragePool2dAttributes)node.Attributes).Activation == default;
                    IsPooled = true;
                    break;
                case BinaryOp:
                    return _scores.TryFollow(node);
                default:
                    return null;
            }

            return node.Inputs[0];
        }

        /// <summary>The layer and what follows as one head; null if the layer has other classes than the scores.</summary>
        public LinearHead? Apply(float[] weights, float[] bias)
        {
            if (!_scores.TryApply(weights, bias)) return null;
            if (!_isTwoClass) return new LinearHead(weights, bias);
            float[] rows = new float[2 * weights.Length];
            weights.CopyTo(rows, _isFlipped ? 0 : weights.Length);
            return new LinearHead(rows, _isFlipped ? [bias[0], 0] : [0, bias[0]]);
        }

        /// <summary>What follows a softmax does not count: the new model ends in one of its own, without the factor of the old one.</summary>
        private Value AtSoftmax(Value logits, float factor)
        {
            // A softmax of a softmax is not the softmax of anything linear.
            IsLinear = !IsPooled && !HasProbabilities;
            HasProbabilities = true;
            _scores.Reset(factor);
            return logits;
        }
    }

    /// <summary>
    /// What stands between a layer and the scores: score[c] = scale[c] * y[c] + shift[c]. Exporters write a bias as a sum of its own, and 8-bit
    /// layers count in steps that are scaled afterwards.
    /// </summary>
    private sealed class ScoreScale(int classes)
    {
        private int _classes = classes;
        private double _factor = 1;

        // Made by the first constant: an output that is no row of scores can be very large.
        private double[]? _scale, _shift;

        /// <summary>Whether the scores of a single output rise or fall with it.</summary>
        public int Sign => Math.Sign(_scale?[0] ?? _factor);

        /// <summary>Forgets what follows.</summary>
        public void Reset(double factor)
        {
            _factor = factor;
            _scale = _shift = null;
        }

        /// <summary>Goes on with a single score.</summary>
        public void Shrink()
        {
            _classes = 1;
            Reset(1);
        }

        /// <summary>
        /// Takes in a node on the way back from the scores and returns its operand; null if it is no product or sum with a constant for each class.
        /// </summary>
        public Value? TryFollow(Node node)
        {
            int constant = node.Inputs[1].IsConstant ? 1 : node.Op is Add or Subtract or Multiply && node.Inputs[0].IsConstant ? 0 : -1;
            if (constant < 0 || node.Op is not (Add or Subtract or Multiply or Divide) || node.Inputs[1 - constant].IsConstant) return null;
            Value operand = node.Inputs[constant];
            if (operand.Shape.ElementCount != 1 && (operand.Shape.ElementCount != _classes || operand.Shape[-1] != _classes)) return null;
            (double[] scale, double[] shift) = Arrays();
            ReadOnlySpan<float> values = operand.Constant!.Floats;
            for (int c = 0; c < scale.Length; c++)
            {
                double value = values[values.Length == 1 ? 0 : c];
                switch (node.Op)
                {
                    case Add:
                        shift[c] += scale[c] * value;
                        break;
                    case Subtract when constant == 1:
                        shift[c] -= scale[c] * value;
                        break;
                    case Subtract:
                        shift[c] += scale[c] * value;
                        scale[c] = -scale[c];
                        break;
                    case Multiply:
                        scale[c] *= value;
                        break;
                    case Divide:
                        scale[c] /= value;
                        break;
                    default:
                        throw new UnreachableException($"{node.Op.Name} is not followed.");
                }
            }

            return node.Inputs[1 - constant];
        }

        /// <summary>Takes it into a layer's weights and bias; false if the layer has other classes than the scores.</summary>
        public bool TryApply(float[] weights, float[] bias)
        {
            if (bias.Length != _classes) return false;
            (double[] scale, double[] shift) = Arrays();
            int features = weights.Length / bias.Length;
            for (int i = 0; i < weights.Length; i++) weights[i] = (float)(weights[i] * scale[i / features]);
            for (int c = 0; c < bias.Length; c++) bias[c] = (float)((bias[c] * scale[c]) + shift[c]);
            return true;
        }

        private (double[] Scale, double[] Shift) Arrays()
        {
            double[] shift = _shift ??= new double[_classes];
            if (_scale is double[] known) return (known, shift);
            double[] scale = new double[_classes];
            Array.Fill(scale, _factor);
            return (_scale = scale, shift);
        }
    }
}
