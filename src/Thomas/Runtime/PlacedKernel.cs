using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>A kernel and the memory that it gets.</summary>
/// <param name="Kernel">The kernel, not yet bound.</param>
/// <param name="Node">What it computes.</param>
/// <param name="Inputs">The memory of its operands.</param>
/// <param name="Outputs">The memory of its results.</param>
/// <param name="Workspace">Scratch memory; empty where it wants none.</param>
/// <param name="Constants">Memory for its <see cref="DeviceKernel.ConstantBytes"/>.</param>
/// <param name="Packs">Whether it fills <paramref name="Constants"/>; else another kernel of the same node has done so.</param>
internal readonly record struct PlacedKernel(
    DeviceKernel Kernel, Node Node, MemorySpan[] Inputs, MemorySpan[] Outputs, MemorySpan Workspace, MemorySpan Constants, bool Packs);
