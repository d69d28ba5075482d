using System.Collections.Generic;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>
/// Joins neighboring element-wise kernels into chains. Every element is computed by the same instructions from the same operands as before, so no bit changes;
/// a tensor that is larger than the caches is read and written once instead of once a kernel.
/// </summary>
internal static class ElementChains
{
    /// <summary>
    /// More kernels than any network has in a row. Each one that joins is compared with all that are there, so without a bound a long row would take its
    /// square.
    /// </summary>
    private const int LongestChain = 64;

    /// <summary>The calls of a run: the kernels, some of them joined.</summary>
    public static BoundKernel[] Join(BoundKernel[] kernels)
    {
        List<BoundKernel> calls = [];
        for (int i = 0, count; i < kernels.Length; i += count)
        {
            count = 1;
            while (i + count < kernels.Length && count < LongestChain && Fits(kernels, i, count)) count++;
            if (count == 1)
            {
                calls.Add(kernels[i]);
                continue;
            }

            CpuKernel[] links = new CpuKernel[count];
            bool shared = false;
            for (int k = 0; k < count; k++)
            {
                links[k] = kernels[i + k].Kernel;
                shared |= kernels[i + k].Shared;
            }

            BoundKernel last = kernels[i + count - 1];
            calls.Add(new BoundKernel(new ElementChain(links), last.Node, last.Operands, shared, kernels[i].Wakes));
        }

        return [.. calls];
    }

    /// <summary>Whether the kernel after <paramref name="count"/> others from <paramref name="first"/> on can join them.</summary>
    private static bool Fits(BoundKernel[] kernels, int first, int count)
    {
        BoundKernel next = kernels[first + count], head = kernels[first];
        if (next.Kernel.PieceElements == 0 || next.Kernel.PieceElements != head.Kernel.PieceElements) return false;
        if (next.Node.Output.Shape.ElementCount != head.Node.Output.Shape.ElementCount) return false;
        for (int i = first; i < first + count; i++)
        {
            foreach (MemoryRange range in kernels[i].Operands)
            {
                foreach (MemoryRange other in next.Operands)
                {
                    if (!range.Agrees(other)) return false;
                }
            }
        }

        return true;
    }
}
