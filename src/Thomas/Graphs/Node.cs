using System.Collections.Generic;
using Thomas.Kernels.OpenCl;

namespace Thomas.Graphs;

/// <summary>One application of an operator.</summary>
public sealed class Node
{
    internal Node(string name, Op op, OpAttributes attributes, Value[] inputs, Stage stage, int place = 0)
    {
        Stage = stage;
        Place = place;
        Name = name;
        Op = op;
        Attributes = attributes;
        Inputs = inputs;
        Outputs = [];
    }

    /// <summary>The name of its first output.</summary>
    public string Name { get; }

    /// <summary>The part of a training step that it belongs to.</summary>
    public Stage Stage { get; }

    /// <summary>The device that runs it, by its number in the compiled graph. 0, the device that was asked for, until nodes are placed.</summary>
    internal int Place { get; }

    /// <summary>
    /// Which of its results lie in memory as 16-bit floats, a bit for each of the first <see cref="HalfOperands.Most"/>; see <see cref="Value.IsHalf"/>.
    /// </summary>
    internal ulong Halves
    {
        get
        {
            ulong halves = 0;
            for (int i = 0; i < Outputs.Count && i < HalfOperands.Most; i++) halves |= Outputs[i].IsHalf ? 1UL << i : 0;
            return halves;
        }
    }

    /// <summary>The operator.</summary>
    public Op Op { get; }

    /// <summary>The operator's settings.</summary>
    public OpAttributes Attributes { get; }

    /// <summary>Operands in the operator's order.</summary>
    public IReadOnlyList<Value> Inputs { get; }

    /// <summary>Results in the operator's order.</summary>
    public IReadOnlyList<Value> Outputs { get; internal set; }

    /// <summary>The only result of a node that has one.</summary>
    public Value Output => Outputs[0];

    /// <summary>What one execution costs.</summary>
    public OpCost Cost => Op.Cost(this);

    /// <inheritdoc/>
    public override string ToString() => $"{Op.Name} '{Name}'";
}
