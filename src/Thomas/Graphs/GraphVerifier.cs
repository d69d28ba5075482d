using System;
using System.Collections.Generic;

namespace Thomas.Graphs;

/// <summary>Checks what every graph must satisfy. Passes run it on their results in tests and debug builds.</summary>
internal static class GraphVerifier
{
    /// <summary>Throws where an invariant does not hold.</summary>
    /// <exception cref="GraphException">Names the first violation.</exception>
    public static void Verify(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        HashSet<string> names = new(StringComparer.Ordinal);
        HashSet<Value> ready = [];
        for (int i = 0; i < graph.Values.Count; i++)
        {
            Value value = graph.Values[i];
            Check(value.Id == i, $"{value} has id {value.Id} at position {i}");
            Check(names.Add(value.Name), $"two values are named '{value.Name}'");
            Check(value.Variable is null || value.Variable.Type == value.Type, $"{value} refers to a variable of type {value.Variable?.Type}");
            Check(value.Constant is null || value.Constant.Type == value.Type, $"{value} holds a constant of type {value.Constant?.Type}");
            if (value.Producer is null) ready.Add(value);
        }

        foreach (Value input in graph.Inputs) Check(input.IsInput, $"graph input {input} has an origin");
        foreach (Node node in graph.Nodes)
        {
            TensorType[] types = new TensorType[node.Inputs.Count];
            for (int i = 0; i < types.Length; i++)
            {
                Check(ready.Contains(node.Inputs[i]), $"{node} reads {node.Inputs[i]} before it exists");
                types[i] = node.Inputs[i].Type;
                ElementTypes taken = node.Op.OperandTypes(i, node.Attributes);
                Check(taken.Contains(types[i].DType), $"operand {i} of {node} is {node.Inputs[i]}; it must be {taken.Describe()}");
            }

            TensorType[] results = node.Op.InferTypes(types, node.Attributes);
            Check(results.Length == node.Outputs.Count, $"{node} has {node.Outputs.Count} results, its operator returns {results.Length}");
            for (int i = 0; i < results.Length; i++)
            {
                Value output = node.Outputs[i];
                Check(ReferenceEquals(output.Producer, node), $"{output} does not name {node} as its origin");
                Check(output.Type == results[i], $"{output} should be {results[i]}");
                Check(ready.Add(output), $"{output} has two origins");
            }
        }

        foreach (Value output in graph.Outputs) Check(ready.Contains(output), $"graph output {output} is not computed");
        VerifyUpdates(graph);
    }

    /// <summary>An update overwrites its variable: it takes the variable itself, once, and whatever reads the old contents stands before it.</summary>
    private static void VerifyUpdates(Graph graph)
    {
        Dictionary<Value, Node> updates = [];
        foreach (Node node in graph.Nodes)
        {
            foreach (Value input in node.Inputs)
                Check(!updates.TryGetValue(Origin(input), out Node? update), $"{node} reads {input} after {update} has overwritten it");
            for (int output = 0; output < node.Outputs.Count; output++)
            {
                int updated = node.Op.UpdatedInput(output);
                if (updated < 0) continue;
                Value variable = node.Inputs[updated];
                Check(variable.IsVariable, $"{node} updates {variable}, which is not a variable");
                Check(updates.TryAdd(variable, node), $"{variable} is updated twice");
            }
        }
    }

    /// <summary>The value whose bytes a reshaped value shows.</summary>
    private static Value Origin(Value value)
    {
        while (value.Producer is Node node && node.Op.IsView(node)) value = node.Inputs[0];
        return value;
    }

    private static void Check(bool condition, string message)
    {
        if (!condition) throw new GraphException($"Graph invariant violated: {message}.");
    }
}
