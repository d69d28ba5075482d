using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Tests.Harness;

/// <summary>
/// Runs a graph by the operators' definitions in double, every value in memory of its own. Updates leave their variables as they were.
/// </summary>
internal sealed unsafe class DoubleInterpreter
{
    private readonly Graph _graph;
    private readonly double[] _memory;
    private readonly int[] _offsets;
    private readonly ReferenceArgs<double>[] _calls;

    public DoubleInterpreter(Graph graph)
    {
        _graph = graph;
        _offsets = new int[graph.Values.Count];
        int total = 0;
        foreach (Value value in graph.Values)
        {
            _offsets[value.Id] = total;
            total += value.Shape.ElementCount;
        }

        // Pinned for as long as it lives, because the calls hold addresses.
        _memory = GC.AllocateUninitializedArray<double>(total, pinned: true);
        Array.Fill(_memory, double.NaN);
        foreach (Value value in graph.Values)
        {
            if (value.Constant is null) continue;
            ReadOnlySpan<float> source = value.Constant.Floats;
            for (int i = 0; i < source.Length; i++) this[value][i] = source[i];
        }

        _calls = new ReferenceArgs<double>[graph.Nodes.Count];
        for (int i = 0; i < _calls.Length; i++)
            _calls[i] = new ReferenceArgs<double>(graph.Nodes[i], Views(graph.Nodes[i].Inputs), Views(graph.Nodes[i].Outputs));
    }

    /// <summary>The elements of a value: to be written for inputs and variables, to be read for the rest.</summary>
    public Span<double> this[Value value] => _memory.AsSpan(_offsets[value.Id], value.Shape.ElementCount);

    /// <summary>The elements of a variable that the graph reads.</summary>
    public Span<double> this[Variable variable]
    {
        get
        {
            foreach (Value value in _graph.Values)
            {
                if (value.Variable == variable) return this[value];
            }

            throw new KeyNotFoundException($"The graph does not read {variable}.");
        }
    }

    /// <param name="roundsHalves">Whether values that a device stores as 16-bit floats are rounded to such.</param>
    public void Run(bool roundsHalves = false)
    {
        foreach (ReferenceArgs<double> call in _calls)
        {
            call.Node.Op.Reference(call);
            foreach (Value output in call.Node.Outputs)
            {
                if (!roundsHalves || !output.IsHalf) continue;
                foreach (ref double number in this[output]) number = (double)(Half)(float)number;
            }
        }
    }

    private RefTensor<double>[] Views(IReadOnlyList<Value> values)
    {
        RefTensor<double>[] views = new RefTensor<double>[values.Count];
        fixed (double* memory = _memory)
        {
            for (int i = 0; i < views.Length; i++) views[i] = new RefTensor<double>(memory + _offsets[values[i].Id], values[i].Shape);
        }

        return views;
    }
}
