using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Passes;

namespace Thomas.Planning;

/// <summary>What a node of a step that keeps results in 16 bits stands for.</summary>
/// <param name="Source">The number in the step before of the node that it copies, or whose result it keeps; -1 for one that brings a result back.</param>
/// <param name="Output">The result that it keeps, by its position; -1 for all other nodes.</param>
internal readonly record struct KeptNode(int Source, int Output);

/// <summary>
/// Keeps what the backward pass reads of the forward pass as 16-bit floats: each result is converted as soon as it is there, so that its float32 numbers are
/// free after their last forward reader, and converted back before the backward pass reads it, or by a kernel that reads it so. The forward pass computes with
/// float32 numbers as before; only gradients see rounded ones.
/// </summary>
internal sealed class KeptHalves
{
    /// <summary>What the names of the conversions end in.</summary>
    public const string Narrowed = "/kept", Widened = "/widened";

    // Statistics and scalars are small: they keep their digits.
    private const int LeastElements = 1024, LeastRank = 2;

    /// <summary>Numbers that were converted back are kept for a reader that comes within so many nodes, for others they are converted once more.</summary>
    private const int MostIdleNodes = 8;

    private readonly Graph _graph;
    private readonly DType _type;
    private readonly IPlaces _places;
    private readonly Value[] _origins;

    // By the number of the value that views show: the last forward node that touches it, the first later reader, whether it is kept in 16 bits.
    private readonly int[] _lastForward, _firstLater;
    private readonly bool[] _isKept;
    private readonly Dictionary<int, List<Value>> _narrowBefore = [];
    private readonly Value?[] _narrow;
    private readonly (Value? Copy, int LastRead)[] _wide;
    private readonly GraphRewriter _rewriter;
    private readonly List<int> _sources = [];
    private readonly List<KeptNode> _kept = [];
    private readonly Dictionary<Node, int> _index = [];

    private KeptHalves(Schedule schedule, DType type)
    {
        (_graph, _type, _places) = (schedule.Graph, type, schedule.Places);
        _origins = Views.Origins(_graph);
        int values = _graph.Values.Count;
        (_lastForward, _firstLater, _isKept) = (new int[values], new int[values], new bool[values]);
        (_narrow, _wide) = (new Value?[values], new (Value?, int)[values]);
        Array.Fill(_firstLater, int.MaxValue);
        FindReaders();
        Choose();
        _rewriter = new GraphRewriter(_graph);
    }

    /// <summary>Adds the conversions to a schedule.</summary>
    /// <param name="schedule">A step; its node order is that of execution.</param>
    /// <param name="type">F16 or BF16.</param>
    /// <param name="nodes">For each node of the result what it stands for.</param>
    /// <returns>The schedule with conversions.</returns>
    public static Schedule Run(Schedule schedule, DType type, out IReadOnlyList<KeptNode> nodes)
    {
        KeptHalves halves = new(schedule, type);
        halves.Rewrite();
        nodes = halves._kept;
        return schedule.With(halves._rewriter.Build(), halves._sources);
    }

    /// <summary>Whether a value is what this pass keeps of another.</summary>
    public static bool IsCopy(Value value) => value.Producer is { Op: Cast, Stage: Stage.Forward } && value.Type.DType.IsHalf();

    /// <summary>
    /// Whether a node looks for the second of two results of the forward pass, a maximum, in the first: then both must have been treated alike.
    /// </summary>
    public static bool ReadsMaximum(Node node) => node.Op is MaxPool2dGradient or ReduceMaxGradient;

    private void FindReaders()
    {
        for (int i = 0; i < _graph.Nodes.Count; i++)
        {
            Node node = _graph.Nodes[i];
            _index.Add(node, i);
            foreach (Value output in node.Outputs) _lastForward[output.Id] = i;
            if (node.Op.IsView(node)) continue;
            foreach (Value input in node.Inputs)
            {
                int origin = _origins[input.Id].Id;
                if (node.Stage == Stage.Forward) _lastForward[origin] = i;
                else if (_firstLater[origin] == int.MaxValue) _firstLater[origin] = i;
            }
        }
    }

    private void Choose()
    {
        foreach (Value value in _graph.Values)
        {
            _isKept[value.Id] = _origins[value.Id] == value && value.Producer is { Stage: Stage.Forward } node && IsLarge(value) && !IsUpdate(node)
                && _firstLater[value.Id] is < int.MaxValue and int later && later > _lastForward[value.Id] + 1 && _places.Converts(value.Place, _type);
        }

        foreach (Value output in _graph.Outputs) _isKept[_origins[output.Id].Id] = false;

        // What is given up for one reader may be compared by another with what it has given up.
        bool changes = true;
        while (changes)
        {
            changes = false;
            foreach (Node node in _graph.Nodes)
            {
                if (node.Stage != Stage.Forward) changes |= Restrict(node);
            }
        }
    }

    private static bool IsLarge(Value value) =>
        value.Type.DType == DType.F32 && !value.IsHalf && value.Shape.Rank >= LeastRank && value.Shape.ElementCount >= LeastElements;

    private static bool IsUpdate(Node node)
    {
        for (int output = 0; output < node.Outputs.Count; output++)
        {
            if (node.Op.UpdatedInput(output) >= 0) return true;
        }

        return false;
    }

    /// <summary>Gives up what a node could not make sense of.</summary>
    /// <returns>Whether anything was given up.</returns>
    private bool Restrict(Node node)
    {
        // The maximum is found again among rounded numbers if it is rounded too, or computed from them.
        if (ReadsMaximum(node) && IsKept(node.Inputs[0]) != IsKept(node.Inputs[1]) && _origins[node.Inputs[1].Id].Producer?.Stage != Stage.Recompute)
        {
            GiveUp(node.Inputs[0]);
            GiveUp(node.Inputs[1]);
            return true;
        }

        (int saved, Activation activation) = node switch
        {
            { Op: ActivateGradient or ActivateBiasGradient, Attributes: ActivateAttributes a } => (1, a.Activation),
            { Attributes: DepthwiseConv2dGradientAttributes d } => (0, d.InputActivation),
            _ => (-1, Activation.None),
        };
        return saved >= 0 && IsKept(node.Inputs[saved]) && activation.Kind != ActivationKind.None
            && !(_type == DType.F16 ? activation.IsKeptByHalf : activation.IsKeptByBFloat16) && GiveUp(node.Inputs[saved]);
    }

    private bool IsKept(Value value) => _isKept[_origins[value.Id].Id];

    private bool GiveUp(Value value)
    {
        _isKept[_origins[value.Id].Id] = false;
        return true;
    }

    private void Rewrite()
    {
        foreach (Value value in _graph.Values)
        {
            if (!_isKept[value.Id]) continue;
            int before = _index[value.Producer!] + 1;
            if (!_narrowBefore.TryGetValue(before, out List<Value>? there)) _narrowBefore.Add(before, there = []);
            there.Add(value);
        }

        for (int i = 0; i < _graph.Nodes.Count; i++)
        {
            if (_narrowBefore.TryGetValue(i, out List<Value>? values))
            {
                foreach (Value value in values) Narrow(value);
            }

            Node node = _graph.Nodes[i];
            if (node.Stage != Stage.Forward && node.Op.IsView(node) && IsKept(node.Output)) continue;
            bool isSame = true;
            if (node.Stage == Stage.Forward) _rewriter.Copy(node);
            else isSame = CopyLater(node, i);
            _sources.Add(isSame ? i : -1);
            _kept.Add(new KeptNode(i, -1));
        }
    }

    private void Narrow(Value value)
    {
        _rewriter.Enter(value.Producer!);
        _rewriter.Builder.Halves = 0;
        _narrow[value.Id] = _rewriter.Builder.Add(OpCatalog.Cast, [_rewriter.Map(value)], new CastAttributes(_type), value.Name + Narrowed);
        IReadOnlyList<Value> results = value.Producer!.Outputs;
        int output = 0;
        while (results[output] != value) output++;
        _sources.Add(-1);
        _kept.Add(new KeptNode(_index[value.Producer], output));
    }

    /// <summary>Copies a node that reads what is kept.</summary>
    /// <returns>Whether its operands have the types that they had.</returns>
    private bool CopyLater(Node node, int at)
    {
        bool isSame = true;
        Value[] inputs = new Value[node.Inputs.Count];
        for (int i = 0; i < inputs.Length; i++)
        {
            Value input = node.Inputs[i];
            bool direct = _isKept[input.Id] && ReadsOnce(node, input) && _places.ReadsKept(node, i);
            isSame &= !direct;
            inputs[i] = direct ? _narrow[input.Id]! : IsKept(input) ? Read(input, at) : _rewriter.Map(input);
        }

        _rewriter.Enter(node);
        Node copy = _rewriter.Builder.AddNode(node.Op, inputs, node.Attributes, node.Name);
        for (int i = 0; i < node.Outputs.Count; i++) _rewriter.Set(node.Outputs[i], copy.Outputs[i]);
        return isSame;
    }

    private static bool ReadsOnce(Node node, Value value)
    {
        int count = 0;
        foreach (Value input in node.Inputs) count += input == value ? 1 : 0;
        return count == 1;
    }

    /// <summary>The value as a later node sees it; views are made anew.</summary>
    private Value Read(Value value, int at)
    {
        Stack<Node> views = [];
        for (; _origins[value.Id] != value; value = value.Producer!.Inputs[0]) views.Push(value.Producer!);
        Value read = Widen(value, at);
        while (views.TryPop(out Node? view))
        {
            Again(view);
            read = _rewriter.Builder.Add(view.Op, [read], view.Attributes, view.Name + Widened);
        }

        return read;
    }

    private Value Widen(Value value, int at)
    {
        ref (Value? Copy, int LastRead) wide = ref _wide[value.Id];
        if (wide.Copy is null || at - wide.LastRead > MostIdleNodes)
        {
            Again(value.Producer!);
            wide.Copy = _rewriter.Builder.Add(OpCatalog.Cast, [_narrow[value.Id]!], new CastAttributes(DType.F32), value.Name + Widened);
        }

        wide.LastRead = at;
        return wide.Copy;
    }

    /// <summary>What is added next brings back what a forward node has computed, where it did.</summary>
    private void Again(Node node)
    {
        _rewriter.Enter(node);
        _rewriter.Builder.Halves = 0;
        _rewriter.Builder.Stage = Stage.Recompute;
        _sources.Add(-1);
        _kept.Add(new KeptNode(-1, -1));
    }
}
