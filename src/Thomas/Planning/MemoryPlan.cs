using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>A stretch of the arena: bytes [Offset, Offset + Size) from step FirstStep to LastStep, both inclusive.</summary>
/// <param name="Name">The value or kernel it serves.</param>
/// <param name="Size">Bytes, a multiple of the alignment.</param>
/// <param name="FirstStep">The step that writes it; -1 for graph inputs.</param>
/// <param name="LastStep">The last step that reads it; the step count for graph outputs.</param>
/// <param name="Offset">Bytes from the arena's start.</param>
public sealed record MemoryBlock(string Name, long Size, int FirstStep, int LastStep, long Offset);

/// <summary>Where every value of an executable lies, decided before it runs.</summary>
public sealed class MemoryPlan
{
    internal MemoryPlan(IReadOnlyList<MemoryBlock> blocks, long arenaBytes, long lowerBoundBytes, Dictionary<Value, long> offsets, Dictionary<Value, Variable> variableOf, long[] workspaceOffsets)
    {
        Blocks = blocks;
        ArenaBytes = arenaBytes;
        LowerBoundBytes = lowerBoundBytes;
        Offsets = offsets;
        VariableOf = variableOf;
        WorkspaceOffsets = workspaceOffsets;
    }

    /// <summary>All stretches, in the order of their first step.</summary>
    public IReadOnlyList<MemoryBlock> Blocks { get; }

    /// <summary>Size of the arena.</summary>
    public long ArenaBytes { get; }

    /// <summary>No assignment can be smaller: the largest sum of sizes live at one step.</summary>
    public long LowerBoundBytes { get; }

    internal Dictionary<Value, long> Offsets { get; }

    /// <summary>The values that lie in a variable: what updates it, and views of it.</summary>
    internal Dictionary<Value, Variable> VariableOf { get; }

    internal long[] WorkspaceOffsets { get; }
}
