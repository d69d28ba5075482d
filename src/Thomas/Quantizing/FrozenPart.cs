using System;
using System.Collections.Generic;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Quantizing;

/// <summary>What of a network comes before everything that a policy trains: no gradient passes through it, so it may compute in integers.</summary>
internal sealed class FrozenPart
{
    private readonly Graph _source;
    private readonly HashSet<Node> _trained = [];
    private readonly List<Value> _frontier = [];

    private FrozenPart(Graph source, IReadOnlyList<Parameter> trained)
    {
        _source = source;
        HashSet<Value> moving = [];
        foreach (Parameter parameter in trained) moving.Add(parameter.Constant);
        foreach (Node node in source.Nodes)
        {
            bool depends = false;
            foreach (Value input in node.Inputs) depends |= moving.Contains(input);
            if (!depends) continue;
            _trained.Add(node);
            moving.UnionWith(node.Outputs);
        }

        HashSet<Value> seen = [];
        foreach (Node node in source.Nodes)
        {
            if (!_trained.Contains(node)) continue;
            foreach (Value input in node.Inputs) AddToFrontier(input, seen);
        }

        foreach (Value output in source.Outputs) AddToFrontier(output, seen);
    }

    /// <summary>The part before the first layer that a policy trains.</summary>
    /// <exception cref="ThomasException">The policy trains something in the first layer, or chooses what it trains later.</exception>
    public static FrozenPart Of(Model model, UpdatePolicy policy)
    {
        if (policy.Kind == UpdateKind.Sparse)
        {
            throw new ThomasException(
                $"'{policy}' chooses what it trains by the memory of the network as it is, so no part of it is known to be frozen before.");
        }

        Require(model, policy);
        Graph source = Trainee.SourceOf(model, policy, BatchNormMode.Frozen);
        FrozenPart part = new(source, TrainableSet.Select(source, policy));
        return part._frontier.Count > 0 ? part : throw NothingFrozen(model, policy);
    }

    /// <summary>Requires a policy that leaves layers before the first trained one.</summary>
    /// <exception cref="ThomasException">It trains something in the first layer, or in some layers of any place.</exception>
    public static void Require(Model model, UpdatePolicy policy)
    {
        if (policy.Kind is not (UpdateKind.Last or UpdateKind.LastLayers or UpdateKind.Sparse)) throw NothingFrozen(model, policy);
    }

    private static ThomasException NothingFrozen(Model model, UpdatePolicy policy) => new(
        $"The policy '{policy}' trains something in the first layer, so no part of {model.Info.Name} is frozen; 'last' and 'last:N' leave a part frozen.");

    /// <summary>The frozen part as a graph; its outputs are what the trained part reads.</summary>
    public Graph Graph()
    {
        GraphRewriter rewriter = new(_source);
        foreach (Node node in _source.Nodes)
        {
            if (!_trained.Contains(node)) rewriter.Copy(node);
        }

        return EliminateDeadNodes.Run(rewriter.Builder.Build(_frontier.ConvertAll(rewriter.Map).ToArray()));
    }

    /// <summary>What measuring adds to the process at least, beside the data set and the runtime, and what of it is the largest value.</summary>
    /// <param name="compile">Device and threads.</param>
    /// <param name="images">Images to measure on.</param>
    public (long Bytes, long LargestValue) LeastBytes(CompileOptions compile, int images)
    {
        Graph graph = Graph();
        CompiledGraph compiled = CompiledGraph.Create(graph, compile);
        long weights = 0, largest = 0, input = graph.Inputs[0].Shape.ElementCount;
        foreach (Value value in graph.Values)
        {
            if (value.IsConstant) weights += value.Type.SizeBytes;
            else largest = Math.Max(largest, value.StoredBytes);
        }

        // Images as bytes and one as numbers; the network folded, and once more with its channels scaled; both networks while they are compared.
        return ((input * (images + sizeof(float))) + (3 * weights) + compiled.SizeBytes + compiled.StageBytes + largest, largest);
    }

    /// <summary>Bytes of the values that are looked at in one pass over the images, so that measuring keeps to its bound.</summary>
    /// <param name="options">The bound, and with what is measured.</param>
    /// <param name="images">Images to measure on.</param>
    /// <param name="heldBytes">What their data set holds.</param>
    /// <exception cref="ThomasException">It does not fit.</exception>
    public long TurnBytes(QuantizerOptions options, int images, long heldBytes)
    {
        if (options.MemoryBytes is not long bound) return Calibration.MostTurnBytes;
        (long least, long largest) = LeastBytes(options.Compile, images);
        least += RunPlanner.RuntimeBytes + heldBytes;
        if (least <= bound) return Math.Min(largest + bound - least, Calibration.MostTurnBytes);
        throw new ThomasException(
            $"To put the frozen part on 8-bit grids takes {ByteSize.FormatAtLeast(least)} of memory besides the loaded model, more than "
            + $"{ByteSize.Format(bound)}.");
    }

    /// <summary>The whole network with another graph for the frozen part, which has the same inputs and outputs.</summary>
    public Graph With(Graph frozen)
    {
        GraphRewriter rewriter = new(_source);
        Dictionary<Value, Value> moved = [];
        for (int i = 0; i < frozen.Inputs.Count; i++) moved.Add(frozen.Inputs[i], rewriter.Map(_source.Inputs[i]));
        foreach (Node node in frozen.Nodes)
        {
            Value[] inputs = new Value[node.Inputs.Count];
            for (int i = 0; i < inputs.Length; i++) inputs[i] = Moved(node.Inputs[i]);
            Node copy = rewriter.Builder.AddNode(node.Op, inputs, node.Attributes, node.Name);
            for (int i = 0; i < node.Outputs.Count; i++) moved.Add(node.Outputs[i], copy.Outputs[i]);
        }

        for (int i = 0; i < _frontier.Count; i++) rewriter.Set(_frontier[i], Moved(frozen.Outputs[i]));
        foreach (Node node in _source.Nodes)
        {
            if (_trained.Contains(node)) rewriter.Copy(node);
        }

        string[] names = new string[_source.Outputs.Count];
        for (int i = 0; i < names.Length; i++) names[i] = _source.Outputs[i].Name;
        return NameOutputs.Run(rewriter.Build(), names);

        Value Moved(Value value)
        {
            if (!moved.TryGetValue(value, out Value? there)) moved.Add(value, there = rewriter.Builder.Constant(value.Name, value.Constant!));
            return there;
        }
    }

    /// <summary>Notes what frozen nodes compute and others, or the world, read.</summary>
    private void AddToFrontier(Value value, HashSet<Value> seen)
    {
        if (value.Producer is Node node && !_trained.Contains(node) && seen.Add(value)) _frontier.Add(value);
    }
}
