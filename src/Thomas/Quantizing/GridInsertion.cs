using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Quantizing;

/// <summary>Builds the 8-bit network: roundings behind the values of a plan, constants on grids.</summary>
internal sealed class GridInsertion
{
    private readonly Graph _graph;
    private readonly GridPlan _plan;
    private readonly Func<Value, FakeQuantizeAttributes> _gridOf;
    private readonly Func<LinearNode, RoundedLayer> _layerOf;
    private readonly GraphRewriter _rewriter;

    private GridInsertion(Graph graph, GridPlan plan, Func<Value, FakeQuantizeAttributes> gridOf, Func<LinearNode, RoundedLayer> layerOf)
    {
        _graph = graph;
        _plan = plan;
        _gridOf = gridOf;
        _layerOf = layerOf;
        _rewriter = new GraphRewriter(graph);
    }

    /// <summary>Rounds a network.</summary>
    /// <param name="graph">The network, in <see cref="IntegerForm"/>.</param>
    /// <param name="plan">Where it is rounded.</param>
    /// <param name="gridOf">The grid of a value that lies on one.</param>
    /// <param name="layerOf">The weights of a layer on their grid, and its bias.</param>
    public static Graph Run(Graph graph, GridPlan plan, Func<Value, FakeQuantizeAttributes> gridOf, Func<LinearNode, RoundedLayer> layerOf)
    {
        GridInsertion insertion = new(graph, plan, gridOf, layerOf);
        string[] outputs = new string[graph.Outputs.Count];
        for (int i = 0; i < outputs.Length; i++) outputs[i] = graph.Outputs[i].Name;
        insertion.AddInputs();
        foreach (Node node in graph.Nodes) insertion.Add(node);
        return NameOutputs.Run(EliminateDeadNodes.Run(insertion._rewriter.Build()), outputs);
    }

    /// <summary>Whether a layer gets weights on a grid.</summary>
    public static bool IsRounded(GridPlan plan, Node node, out LinearNode layer) =>
        LinearNode.TryGet(node, out layer) && GridPlan.IsCapable(node) && plan.IsOnGrid(node.Inputs[0]);

    /// <summary>Whether a layer has weights on a grid already.</summary>
    public static bool IsKept(LinearNode layer) =>
        layer.Weights.Constant is { Quantization: not null } weights && GridIntegers.Of(weights, inDouble: true) is not null;

    /// <summary>A layer whose weights are each rounded alone.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="inputScale">The step of its input.</param>
    /// <param name="means">Mean of each channel of its input, with which its bias is corrected; null for no correction.</param>
    public static RoundedLayer Nearest(LinearNode layer, float inputScale, double[]? means)
    {
        TensorData weights = layer.Weights.Constant!;
        double[] bias = new double[layer.Channels];
        if (layer.Bias?.Constant is TensorData given)
        {
            ReadOnlySpan<float> numbers = given.Widened;
            for (int c = 0; c < bias.Length; c++) bias[c] = numbers[c];
        }

        bool isKept = IsKept(layer);
        TensorData rounded = isKept ? weights : WeightRounding.Symmetric(weights, layer.ChannelAxis, layer.Node.Op is not Dense, bias, inputScale);
        if (!isKept && means is not null) Correct(bias, layer.Node, weights, rounded, means);
        return new RoundedLayer(rounded, bias);
    }

    private void AddInputs()
    {
        foreach (Value input in _graph.Inputs)
        {
            if (_plan.IsRounded(input)) _rewriter.Set(input, Rounded(_rewriter.Map(input), _gridOf(input), $"{input.Name}/quantized"));
        }
    }

    private void Add(Node node)
    {
        _rewriter.Enter(node);
        bool isRounded = node.Outputs.Count == 1 && _plan.IsRounded(node.Output);

        // An activation inside an operator, or before a rounding, is what that leaves of it.
        bool isLayer = IsRounded(_plan, node, out LinearNode layer);
        if (!isRounded && !isLayer && !IsInside(node))
        {
            if (node.Op is Concat && _plan.IsOnGrid(node.Output)) AddConcat(node);
            else _rewriter.Copy(node);
            return;
        }

        string name = isRounded ? $"{node.Name}/{node.Op.Name}" : node.Name;
        Value value = isLayer ? Layer(layer, name) : Other(node, name);
        if (isRounded) value = Rounded(value, _gridOf(node.Output), node.Name);
        _rewriter.Set(node.Output, value);
    }

    /// <summary>Whether the node is a sum or product whose activation follows it as a node and is rounded behind that.</summary>
    private bool IsInside(Node node) =>
        node.Op is Ops.Add or Subtract or Multiply && node.Output.Consumers is [{ Op: Activate } next] && _plan.IsRounded(next.Output);

    private Value Rounded(Value value, FakeQuantizeAttributes grid, string name) => _rewriter.Builder.Add(OpCatalog.FakeQuantize, [value], grid, name);

    private Value Other(Node node, string name)
    {
        Value[] inputs = _rewriter.MapInputs(node);
        if (node.Op is Ops.Add or Subtract or Multiply)
        {
            for (int i = 0; i < inputs.Length; i++)
            {
                if (node.Inputs[i].Constant is TensorData data) inputs[i] = _rewriter.Builder.Constant(node.Inputs[i].Name, OnGrid(data));
            }
        }

        if (node.Attributes is ActivateAttributes { Activation: var own } && IntegerForm.CanFuse(own))
        {
            Activation left = IntegerForm.OnGrid(own);
            return left == Activation.None ? inputs[0] : _rewriter.Builder.Add(node.Op, inputs, new ActivateAttributes(left), name);
        }

        OpAttributes attributes = node.Attributes;
        if (attributes is AveragePool2dAttributes pool) attributes = pool with { Activation = IntegerForm.OnGrid(pool.Activation) };
        return _rewriter.Builder.Add(node.Op, inputs, attributes, name);
    }

    private static TensorData OnGrid(TensorData data) =>
        data.Quantization is { IsPerTensor: true } && GridIntegers.Of(data, inDouble: true) is not null ? data : WeightRounding.Operand(data);

    /// <summary>Operands on another grid, which their kernel insists on, are rounded to the one of the result.</summary>
    private void AddConcat(Node node)
    {
        Value[] inputs = _rewriter.MapInputs(node);
        FakeQuantizeAttributes grid = _gridOf(node.Output);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (_plan.GroupOf(node.Inputs[i]) != _plan.GroupOf(node.Output)) inputs[i] = Rounded(inputs[i], grid, $"{node.Inputs[i].Name}/requantized");
        }

        _rewriter.Set(node.Output, _rewriter.Builder.Add(node.Op, inputs, node.Attributes, node.Name));
    }

    private Value Layer(LinearNode layer, string name)
    {
        Node node = layer.Node;
        float inputScale = _gridOf(node.Inputs[0]).Quantization.Scales[0];
        (TensorData rounded, double[] bias) = _layerOf(layer);
        Value[] inputs = [
            _rewriter.Map(node.Inputs[0]), _rewriter.Builder.Constant(layer.Weights.Name, rounded),
            _rewriter.Builder.Constant(layer.Bias?.Name ?? $"{node.Name}.bias", WeightRounding.Bias(bias, inputScale, rounded.Quantization!))];
        return _rewriter.Builder.Add(node.Op, inputs, layer.With(hasBias: true, hasResidual: false, IntegerForm.OnGrid(layer.Activation)), name);
    }

    /// <summary>
    /// Takes from the bias what rounding the weights adds to the sums in the mean: sum over taps and channels of (rounded - weight) * E[x] (Nagel et al. 2019,
    /// arXiv:1906.04721, section 4.2, with measured means). Padding is not counted.
    /// </summary>
    private static void Correct(double[] bias, Node node, TensorData weights, TensorData rounded, double[] means)
    {
        float[] exact = weights.ToFloats();
        ReadOnlySpan<float> stored = rounded.Floats;
        int outputs = bias.Length, perOutput = exact.Length / outputs;
        if (node.Op is DepthwiseConv2d)
        {
            // [1,kH,kW,c*m]: the output channel runs fastest, and reads the input channel c.
            for (int i = 0; i < exact.Length; i++) bias[i % outputs] -= ((double)stored[i] - exact[i]) * means[i % outputs * means.Length / outputs];
            return;
        }

        int groups = node.Attributes is Conv2dAttributes conv ? conv.Groups : 1, channels = means.Length / groups;
        for (int o = 0; o < outputs; o++)
        {
            int first = o / (outputs / groups) * channels;
            double sum = 0;
            for (int k = 0; k < perOutput; k++) sum += ((double)stored[(o * perOutput) + k] - exact[(o * perOutput) + k]) * means[first + (k % channels)];
            bias[o] -= sum;
        }
    }
}
