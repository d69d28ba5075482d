using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>SIMD kernels on a thread team.</summary>
/// <param name="threads">Threads of the team.</param>
/// <param name="blocks">How matrix products cut their work.</param>
internal sealed class CpuDevice(int threads, BlockSizes blocks) : HostDevice(threads)
{
    private readonly CpuKernelContext _context = new(threads, blocks);

    /// <inheritdoc/>
    public override string Name => "cpu";

    /// <inheritdoc/>
    public override string Identity => nameof(DeviceKind.Cpu);

    /// <inheritdoc/>
    public override DeviceKernel? CreateKernel(Node node) => node.Op.CreateCpuKernel(node, _context);
}
