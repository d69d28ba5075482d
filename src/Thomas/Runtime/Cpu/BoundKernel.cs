using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>A kernel in its place.</summary>
/// <param name="Kernel">Bound to its memory.</param>
/// <param name="Node">What it computes.</param>
/// <param name="Operands">The memory that it reads and writes, with its workspace.</param>
/// <param name="Shared">Whether it is long enough for more than one thread.</param>
/// <param name="Wakes">Whether from here on there is enough to do to wake threads that sleep.</param>
internal readonly record struct BoundKernel(CpuKernel Kernel, Node Node, MemoryRange[] Operands, bool Shared, bool Wakes);

/// <summary>The memory of an operand.</summary>
/// <param name="Begin">First byte.</param>
/// <param name="End">One past the last byte.</param>
/// <param name="IsWritten">Whether it is a result.</param>
internal readonly record struct MemoryRange(nint Begin, nint End, bool IsWritten)
{
    /// <summary>
    /// Whether two kernels may do their pieces in turn: what one of them writes is the same memory for the other, piece by piece, or none of its.
    /// </summary>
    public bool Agrees(MemoryRange other) =>
        (!IsWritten && !other.IsWritten) || (Begin == other.Begin && End == other.End) || End <= other.Begin || other.End <= Begin;
}
