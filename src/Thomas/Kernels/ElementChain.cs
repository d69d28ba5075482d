using System;

namespace Thomas.Kernels;

/// <summary>
/// Element-wise kernels over equally many elements, done piece by piece one after the other, so that a piece stays in the first-level cache. All are bound
/// already.
/// </summary>
internal sealed class ElementChain(CpuKernel[] links) : CpuKernel
{
    public override string Name => string.Join('+', Array.ConvertAll(links, static link => link.Name));

    public override unsafe void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads) =>
        throw new NotSupportedException("A chain has the memory of its links.");

    public override int Items(int phase) => links[0].Items(0);

    public override void Run(int phase, int begin, int end, int thread)
    {
        for (int item = begin; item < end; item++)
        {
            foreach (CpuKernel link in links) link.Run(0, item, item + 1, thread);
        }
    }
}
