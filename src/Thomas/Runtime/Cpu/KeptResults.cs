using System.Collections.Generic;
using Thomas.Kernels.Copy;

namespace Thomas.Runtime;

/// <summary>
/// Lets kernels make the 16-bit copy of their result that a conversion after them would make, where the memory of the copy is free by then: the same bits, but
/// the result need not be read again.
/// </summary>
internal static class KeptResults
{
    /// <summary>The calls of a run: the kernels without the conversions that others have taken over.</summary>
    public static BoundKernel[] Join(BoundKernel[] kernels)
    {
        List<BoundKernel> calls = [];
        foreach (BoundKernel kernel in kernels)
        {
            if (calls.Count > 0 && kernel.Kernel.Copy is { Exists: true } copy && CanMake(calls[^1], copy, kernel) && calls[^1].Kernel.TryKeep(copy)) continue;
            calls.Add(kernel);
        }

        return [.. calls];
    }

    /// <summary>Whether the result of a kernel is copied, to memory that the kernel has no other use for.</summary>
    private static unsafe bool CanMake(BoundKernel kernel, KeptCopy copy, BoundKernel conversion)
    {
        bool makes = false;
        foreach (MemoryRange target in conversion.Operands)
        {
            if (!target.IsWritten) continue;
            foreach (MemoryRange range in kernel.Operands)
            {
                makes |= range.IsWritten && range.Begin == (nint)copy.Source;
                if (range.Begin < target.End && target.Begin < range.End) return false;
            }
        }

        return makes;
    }
}
