using System;
using System.Collections.Generic;
using Thomas.Formats.PyTorch;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas;

/// <summary>Finds the tensor of a weight file for each parameter of a graph, and everything that does not fit.</summary>
internal sealed class WeightMatch
{
    private const string WeightSuffix = ".weight", BiasSuffix = ".bias";
    private const int NamesInLine = 4;

    private readonly Graph _graph;
    private readonly WeightFile _weights;
    private readonly Dictionary<Value, Parameter> _parameters = [];
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly List<string> _missing = [], _misshapen = [];
    private readonly List<NamedTensor> _leftOver = [];

    public WeightMatch(Graph graph, WeightFile weights)
    {
        _graph = graph;
        _weights = weights;
        for (int i = 0; i < graph.Nodes.Count; i++)
        {
            Node node = graph.Nodes[i];
            foreach (Value input in node.Inputs)
            {
                if (input.Constant is not null && (IsLayer(node) || Find(input.Name) is not null)) AddParameter(input, node, i);
            }
        }
    }

    /// <summary>The new contents of constants, in graph order.</summary>
    public Dictionary<Value, TensorData> Replacements { get; } = [];

    public List<string> Notes { get; } = [];

    /// <summary>What is known of the file.</summary>
    public IReadOnlyList<string> FileNotes => _weights.Notes;

    public void Run(bool allowHeadMismatch)
    {
        int head = allowHeadMismatch ? KeepMismatchedHead() : _graph.Nodes.Count;
        UnfoldBatchNorms(head);
        foreach ((Value value, Parameter parameter) in _parameters)
        {
            if (parameter.FirstUse >= head || Replacements.ContainsKey(value)) continue;
            if (Find(value.Name) is not NamedTensor tensor)
            {
                _missing.Add($"'{value.Name}' {parameter.Layout.TorchShape}");
                continue;
            }

            _used.Add(value.Name);
            if (parameter.Layout.Fits(tensor.Shape))
            {
                Replacements.Add(value, parameter.Layout.FromTorch(StoredWeights.Keeps(value, tensor.Data.Type.DType) ? tensor.Data : tensor.Data.ToF32()));
            }
            else _misshapen.Add($"'{value.Name}' is {tensor.Shape}, the network needs {parameter.Layout.TorchShape}");
        }

        foreach (NamedTensor tensor in _weights.Tensors)
        {
            if (IsWeight(tensor) && !_used.Contains(tensor.Name)) _leftOver.Add(tensor);
        }
    }

    /// <summary>Whether every parameter has its tensor, and every tensor its place.</summary>
    public bool IsWhole => _missing.Count + _leftOver.Count + _misshapen.Count == 0;

    /// <summary>How many tensors are not where they should be.</summary>
    public int Wrong => _missing.Count + _leftOver.Count + _misshapen.Count;

    /// <summary>What does not fit, a line each.</summary>
    public List<string> Describe()
    {
        List<string> lines = [], leftOver = [];
        foreach (NamedTensor tensor in _leftOver) leftOver.Add($"'{tensor.Name}' {tensor.Shape}");
        Add("missing from the file", _missing);
        Add("in the file but not in the network", leftOver);
        Add("with a different shape", _misshapen);
        return lines;

        void Add(string what, List<string> tensors)
        {
            if (tensors.Count == 0) return;
            string more = tensors.Count > NamesInLine ? $" and {tensors.Count - NamesInLine} more" : "";
            lines.Add($"{tensors.Count} {what}: {string.Join(", ", tensors.GetRange(0, Math.Min(tensors.Count, NamesInLine)))}{more}");
        }
    }

    /// <summary>Operators whose constants are what training learns; of other nodes only those constants are parameters that the file names.</summary>
    private static bool IsLayer(Node node) => LinearNode.TryGet(node, out _) || node.Op is BatchNorm or PRelu;

    private static bool IsWeight(NamedTensor tensor) => FileLayer.IsWeight(tensor);

    private NamedTensor? Find(string name) => _weights.Find(name) is NamedTensor tensor && IsWeight(tensor) ? tensor : null;

    private void AddParameter(Value value, Node node, int index)
    {
        TorchLayout layout = TorchLayout.Of(node, value);
        if (_parameters.TryAdd(value, new Parameter(layout, index)) || _parameters[value].Layout == layout) return;
        _misshapen.Add($"'{value.Name}' is used in two layouts, {_parameters[value].Layout.TorchShape} and, at node '{node.Name}', {layout.TorchShape}");
    }

    /// <summary>
    /// Looks whether all tensors of the last layer (the last convolution or dense layer, and what follows it) are there and fit. If not, the tensors that
    /// the file has for it are passed over.
    /// </summary>
    /// <returns>The node from which on constants stay; the number of nodes where the head fits.</returns>
    private int KeepMismatchedHead()
    {
        int head = _graph.Nodes.Count - 1;
        while (head >= 0 && !LinearNode.HasConstantWeights(_graph.Nodes[head])) head--;
        if (head < 0) return _graph.Nodes.Count;
        List<string> kept = [];
        bool fits = true;
        foreach ((Value value, Parameter parameter) in _parameters)
        {
            if (parameter.FirstUse < head) continue;
            kept.Add(value.Name);
            fits &= Find(value.Name) is NamedTensor tensor && parameter.Layout.Fits(tensor.Shape);
        }

        // A bias that only the file has belongs to the head too.
        string weight = _graph.Nodes[head].Inputs[1].Name;
        string bias = Sibling(weight, BiasSuffix) ?? weight;
        fits &= kept.Contains(bias) || Find(bias) is null;
        if (fits) return _graph.Nodes.Count;
        _used.UnionWith(kept);
        _used.Add(bias);
        Notes.Add($"the last layer keeps its initial weights, because those in the file do not fit: {string.Join(", ", kept)}");
        return head;
    }

    /// <summary>
    /// A file made for inference may have batch normalization folded into the layer before it: the layer has a bias that the graph has no place for, and the
    /// normalization has no entries. With scale 1, mean 0, variance 1 - epsilon and the bias as shift, the normalization adds that bias and does no more.
    /// </summary>
    private void UnfoldBatchNorms(int head)
    {
        int unfolded = 0;
        for (int i = 0; i < head; i++)
        {
            Node node = _graph.Nodes[i];
            if (node.Op is not BatchNorm || FoldedBias(node) is not NamedTensor bias) continue;
            int channels = bias.Shape.ElementCount;
            float epsilon = ((BatchNormAttributes)node.Attributes).Epsilon;
            Replacements[node.Inputs[1]] = Filled(channels, 1);
            Replacements[node.Inputs[2]] = bias.Data.ToF32().Reshaped(new Shape(channels));
            Replacements[node.Inputs[3]] = Filled(channels, 0);
            Replacements[node.Inputs[4]] = Filled(channels, 1 - epsilon);
            _used.Add(bias.Name);
            unfolded++;
        }

        if (unfolded > 0) Notes.Add($"the file has {unfolded} batch normalizations folded into the layers before them; those of the network only add the bias");
    }

    /// <summary>The bias in the file that stands for a batch normalization of the graph; null where the rule does not apply.</summary>
    private NamedTensor? FoldedBias(Node norm)
    {
        for (int i = 1; i < norm.Inputs.Count; i++)
        {
            Value constant = norm.Inputs[i];
            if (!constant.IsConstant || constant.Consumers.Count > 1 || Find(constant.Name) is not null) return null;
        }

        Value x = norm.Inputs[0];
        if (x.Producer is not Node layer || x.Consumers.Count > 1 || _graph.IsOutput(x)) return null;
        bool isPlain = LinearNode.TryGet(layer, out LinearNode linear) && !linear.HasBias && !linear.HasResidual && linear.Activation == default;
        return isPlain && Sibling(layer.Inputs[1].Name, BiasSuffix) is string name && Find(name) is NamedTensor bias
            && bias.Shape.ElementCount == norm.Inputs[1].Shape.ElementCount
            ? bias
            : null;
    }

    /// <summary>The name of another tensor of the layer that has a weight; null where the weight's name does not follow the pattern.</summary>
    private static string? Sibling(string weight, string suffix) =>
        weight.EndsWith(WeightSuffix, StringComparison.Ordinal) ? string.Concat(weight.AsSpan(0, weight.Length - WeightSuffix.Length), suffix) : null;

    private static TensorData Filled(int count, float value)
    {
        float[] values = new float[count];
        Array.Fill(values, value);
        return TensorData.FromFloats(new Shape(count), values);
    }

    /// <summary>A constant that the file should have.</summary>
    /// <param name="Layout">Its layout in PyTorch.</param>
    /// <param name="FirstUse">Index of the first node that reads it.</param>
    private sealed record Parameter(TorchLayout Layout, int FirstUse);
}
