using System;
using System.Collections.Generic;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;

namespace Thomas.Formats.Onnx;

/// <summary>
/// Functions of the file, branches and loops whose course is known while reading, and lists of tensors: all of it is what exporters leave behind, and none of
/// it is left in the graph.
/// </summary>
internal sealed partial class OnnxImporter
{
    /// <summary>Nodes that calls and loops may add to those that the file lists.</summary>
    private const int MaximumUnfolded = 1 << 14;

    private const int MaximumDepth = 32;

    private readonly Dictionary<(string Domain, string Name, string Overload), FunctionProto> _functions = [];
    private int _unfolded;
    private int _depth;

    /// <summary>Makes the file's own functions known; a node that calls one is replaced by what it holds.</summary>
    public void AddFunctions(IEnumerable<FunctionProto> functions)
    {
        foreach (FunctionProto function in functions)
        {
            if (!_functions.TryAdd((function.Domain, function.Name, function.Overload), function))
            {
                throw new ModelFormatException(_file, $"function '{function.Name}'", "is given twice");
            }
        }
    }

    /// <summary>Imports a node that stands for others; whether it was one.</summary>
    private bool TryUnfold(NodeProto node)
    {
        if (_functions.Count > 0 && _functions.TryGetValue((node.Domain, node.OpType, node.Overload), out FunctionProto? function))
        {
            Nested(node, () => Call(function, node));
        }
        else if (node.Domain is not ("" or "ai.onnx")) return false;
        else if (node.OpType == "If") Nested(node, () => Branch(node));
        else if (node.OpType == "Loop") Nested(node, () => Unroll(node));
        else return false;
        return true;
    }

    private void Nested(NodeProto node, Action import)
    {
        if (++_depth > MaximumDepth)
        {
            throw new ModelFormatException(
                _file, $"{node.OpType} node '{OnnxNode.Label(node)}'", $"functions, branches and loops are nested more than {MaximumDepth} deep");
        }

        try
        {
            import();
        }
        finally
        {
            _depth--;
        }
    }

    private void AddUnfolded(NodeProto node)
    {
        if (++_unfolded > MaximumUnfolded)
        {
            throw new ModelFormatException(
                _file, $"{node.OpType} node '{OnnxNode.Label(node)}'", $"functions and loops unfold to more than {MaximumUnfolded} nodes");
        }

        AddNode(node);
    }

    private void Call(FunctionProto function, NodeProto call)
    {
        CountOperands(function.Input.Count + function.Output.Count + function.AttributeProto.Count);
        string prefix = UniquePrefix(call);
        Dictionary<string, string> names = new(StringComparer.Ordinal) { [""] = "" };
        for (int i = 0; i < function.Input.Count; i++) names[function.Input[i]] = i < call.Input.Count ? call.Input[i] : "";
        for (int i = 0; i < function.Output.Count && i < call.Output.Count; i++)
        {
            if (call.Output[i].Length > 0) names[function.Output[i]] = call.Output[i];
        }

        Dictionary<string, AttributeProto> given = new(StringComparer.Ordinal);
        foreach (AttributeProto attribute in function.AttributeProto) given[attribute.Name] = attribute;
        foreach (AttributeProto attribute in call.Attribute) given[attribute.Name] = attribute;
        foreach (NodeProto node in function.Node)
            AddUnfolded(OnnxRename.Node(node, name => names.TryGetValue(name, out string? known) ? known : $"{prefix}/{name}", given));

        // A result may be an operand that is passed on.
        for (int i = 0; i < function.Output.Count && i < call.Output.Count; i++)
        {
            if (call.Output[i].Length > 0 && !_operands.ContainsKey(call.Output[i]))
            {
                Alias(call, call.Output[i], names.GetValueOrDefault(function.Output[i], $"{prefix}/{function.Output[i]}"));
            }
        }
    }

    private void Alias(NodeProto reader, string name, string source)
    {
        if (name == source) throw new ModelFormatException(_file, $"{reader.OpType} node '{OnnxNode.Label(reader)}'", $"does not compute '{name}'");
        _operands.TryAdd(name, Find(source, reader));
    }

    private void Branch(NodeProto node)
    {
        Operand? condition = node.Input.Count == 1
            ? Find(node.Input[0], node)
            : throw new ModelFormatException(_file, $"If node '{OnnxNode.Label(node)}'", "has no condition");
        if (condition is null)
        {
            foreach (string output in node.Output) _operands.TryAdd(output, null);
            return;
        }

        GraphProto branch = BodyOf(node, Truth(condition, "If") ? "then_branch" : "else_branch");
        ImportBody(branch);
        if (branch.Output.Count < node.Output.Count)
        {
            throw new ModelFormatException(_file, $"If node '{OnnxNode.Label(node)}'", "has more results than its branch");
        }

        for (int i = 0; i < node.Output.Count; i++) Alias(node, node.Output[i], branch.Output[i].Name);
    }

    private void ImportBody(GraphProto body)
    {
        CountOperands(body.Initializer.Count);
        foreach (TensorProto initializer in body.Initializer) _initializers.TryAdd(initializer.Name, initializer);
        foreach (NodeProto inner in body.Node) AddUnfolded(inner);
    }

    private GraphProto BodyOf(NodeProto node, string attribute)
    {
        foreach (AttributeProto given in node.Attribute)
        {
            if (given.Name == attribute && given.G is not null) return given.G;
        }

        throw new ModelFormatException(_file, $"{node.OpType} node '{OnnxNode.Label(node)}'", $"has no {attribute}");
    }

    private static bool Truth(Operand condition, string what)
    {
        if (!condition.IsConstant) throw new UnsupportedNodeException($"{what} (whose condition depends on the image)", $"'{condition.Name}'");
        return Integers(null, condition) is [not 0, ..];
    }

    private void Unroll(NodeProto node)
    {
        GraphProto body = BodyOf(node, "body");
        string place = $"Loop node '{OnnxNode.Label(node)}'", prefix = UniquePrefix(node);
        int carried = node.Input.Count - 2, scans = body.Output.Count - 1 - carried;
        if (carried < 0 || scans < 0 || body.Input.Count != carried + 2 || node.Output.Count > carried + scans)
        {
            throw new ModelFormatException(_file, place, "its body does not fit its operands");
        }

        long trips = node.Input[0].Length == 0 ? long.MaxValue : LoopNumber(node, 0);
        bool goesOn = node.Input[1].Length == 0 || LoopNumber(node, 1) != 0;
        string[] state = new string[carried];
        for (int i = 0; i < carried; i++) state[i] = node.Input[i + 2];
        List<string>[] parts = new List<string>[scans];
        for (int i = 0; i < scans; i++) parts[i] = [];
        HashSet<string> inside = new(StringComparer.Ordinal);
        OnnxRename.AddDefined(body, inside);
        for (long trip = 0; trip < trips && goesOn; trip++)
        {
            CountOperands(body.Input.Count + body.Output.Count + body.Initializer.Count);
            string step = $"{prefix}/{trip}";
            _operands[$"{step}/trip"] = IntegerConstant($"{step}/trip", new Shape(), [trip]);
            _operands[$"{step}/goes_on"] = IntegerConstant($"{step}/goes_on", new Shape(), [1]);
            Dictionary<string, string> names = new(StringComparer.Ordinal)
            {
                [""] = "",
                [body.Input[0].Name] = $"{step}/trip",
                [body.Input[1].Name] = $"{step}/goes_on",
            };
            for (int i = 0; i < carried; i++) names[body.Input[i + 2].Name] = state[i];
            string Rename(string name) => names.TryGetValue(name, out string? known) ? known : inside.Contains(name) ? $"{step}/{name}" : name;
            foreach (TensorProto initializer in body.Initializer) _initializers.TryAdd(Rename(initializer.Name), initializer);
            foreach (NodeProto inner in body.Node) AddUnfolded(OnnxRename.Node(inner, Rename, null));
            if (body.Node.Count == 0 && ++_unfolded > MaximumUnfolded) throw new ModelFormatException(_file, place, "does not end");
            goesOn = Find(Rename(body.Output[0].Name), node) is Operand condition && Truth(condition, "Loop");
            for (int i = 0; i < carried; i++) state[i] = Rename(body.Output[i + 1].Name);
            for (int i = 0; i < scans; i++) parts[i].Add(Rename(body.Output[1 + carried + i].Name));
        }

        for (int i = 0; i < node.Output.Count; i++)
        {
            if (node.Output[i].Length == 0) continue;
            if (i < carried) Alias(node, node.Output[i], state[i]);
            else Stack(node, node.Output[i], parts[i - carried]);
        }
    }

    private long LoopNumber(NodeProto node, int input)
    {
        Operand? operand = Find(node.Input[input], node);
        if (operand is null || !operand.IsConstant) throw new UnsupportedNodeException("Loop (whose number of steps depends on the image)");
        return Integers(null, operand) is [long number, ..]
            ? number
            : throw new ModelFormatException(_file, $"Loop node '{OnnxNode.Label(node)}'", $"operand {input} is empty");
    }

    /// <summary>The results of a loop's steps along a new first axis.</summary>
    private void Stack(NodeProto node, string output, List<string> parts)
    {
        if (parts.Count == 0) throw new UnsupportedNodeException("Loop (without steps whose results are collected)");
        NodeProto concat = new() { OpType = "ConcatFromSequence", Name = OnnxNode.Label(node) };
        concat.Attribute.Add(new AttributeProto { Name = "axis", Type = AttributeProto.Types.AttributeType.Int, I = 0 });
        concat.Attribute.Add(new AttributeProto { Name = "new_axis", Type = AttributeProto.Types.AttributeType.Int, I = 1 });
        List<Operand> elements = [];
        foreach (string part in parts)
        {
            if (Find(part, node) is not Operand element)
            {
                _operands.TryAdd(output, null);
                return;
            }

            elements.Add(element);
        }

        string list = $"{output}/steps";
        _operands[list] = new Operand(list, elements);
        concat.Input.Add(list);
        concat.Output.Add(output);
        AddUnfolded(concat);
    }

    private string UniquePrefix(NodeProto node) => $"{OnnxNode.Label(node)}#{_unfolded}";

    private static Operand SequenceConstruct(OnnxNode node)
    {
        List<Operand> elements = [];
        for (int i = 0; i < node.InputCount; i++) elements.Add(node.Input(i));
        return new Operand(node.Name, elements);
    }

    private static Operand SequenceInsert(OnnxNode node)
    {
        List<Operand> elements = [.. node.Input(0).Elements];
        long at = node.Optional(2) is null ? elements.Count : Scalar(node, 2);
        if (at < 0) at += elements.Count;
        if (at < 0 || at > elements.Count) throw node.Fail($"place {at} is outside a list of {elements.Count}");
        elements.Insert((int)at, node.Input(1));
        return new Operand(node.Name, elements);
    }

    private static Operand SequenceAt(OnnxNode node)
    {
        IReadOnlyList<Operand> elements = node.Input(0).Elements;
        long at = Scalar(node, 1);
        if (at < 0) at += elements.Count;
        return at >= 0 && at < elements.Count ? elements[(int)at] : throw node.Fail($"place {at} is outside a list of {elements.Count}");
    }

    private Operand SplitToSequence(OnnxNode node)
    {
        Operand x = node.Input(0);
        int axis = node.Axis(node.Int("axis", 0), x.Rank), length = x.Shape[axis];
        List<long> sizes = [];
        if (node.Optional(1) is Operand split && split.Rank > 0) sizes.AddRange(Integers(node, split));
        else
        {
            long size = node.Optional(1) is null ? 1 : Scalar(node, 1);
            if (size < 1 || length / size > MaximumPieces) throw node.Fail($"cuts {x.Shape} into pieces of {size}");
            for (long left = length; left > 0; left -= size) sizes.Add(Math.Min(size, left));
        }

        bool dropsAxis = node.Optional(1) is null && node.Int("keepdims", 1) == 0;
        List<Operand> elements = [];
        int offset = 0;
        foreach (long size in sizes)
        {
            if (size < 0 || size > length - offset) throw node.Fail($"a piece of {size} leaves axis {axis} of {x.Shape}");
            int[] begin = new int[x.Rank], count = Filled(x.Rank, -1);
            begin[axis] = offset;
            count[axis] = (int)size;
            string name = $"{node.Name}/{elements.Count}";
            Operand piece = SliceOf(node, x, begin, count, Filled(x.Rank, 1), name);
            elements.Add(dropsAxis ? ReshapeTo(node, piece, [.. piece.Shape.Dims[..axis], .. piece.Shape.Dims[(axis + 1)..]], $"{name}/flat") : piece);
            offset += (int)size;
        }

        return new Operand(node.Name, elements);
    }

    private Operand ConcatFromSequence(OnnxNode node)
    {
        IReadOnlyList<Operand> elements = node.Input(0).Elements;
        if (elements.Count == 0) throw node.Fail("joins nothing");
        bool isNew = node.Int("new_axis", 0) != 0;
        int rank = elements[0].Rank, axis = node.Axis(node.Int("axis", 0), isNew ? rank + 1 : rank);
        Operand[] parts = [.. elements];
        for (int i = 0; isNew && i < parts.Length; i++)
            parts[i] = ReshapeTo(node, parts[i], [.. parts[i].Shape.Dims[..axis], 1, .. parts[i].Shape.Dims[axis..]], $"{node.Name}/{i}");
        return Joined(node, parts, axis);
    }

    /// <summary>A number or a class in place of scores: what follows from it is no longer read, and the scores are what the model answers.</summary>
    private static Operand Decision(OnnxNode node)
    {
        Operand scores = node.Input(0);
        return scores.IsConstant ? throw node.Unsupported("of constants") : new Operand(node.Name, Array.Empty<Operand>()) { Scores = scores };
    }

    /// <summary>Passes on that a node only works on a decision; whether it does.</summary>
    private bool FollowsDecision(NodeProto node, Operand?[] inputs)
    {
        Operand? scores = null;
        foreach (Operand? input in inputs) scores ??= input?.Scores;
        if (scores is null) return false;
        foreach (string output in node.Output)
        {
            if (output.Length > 0) _operands.TryAdd(output, new Operand(output, Array.Empty<Operand>()) { Scores = scores });
        }

        return true;
    }
}
