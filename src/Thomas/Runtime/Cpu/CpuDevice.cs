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
    public override DeviceKernel? CreateKernel(Node node)
    {
        CpuKernel kernel = node.Op.CreateCpuKernel(node, _context);
        return Serves(node, kernel) ? kernel : new ReferenceKernel(node);
    }

    /// <summary>Whether a kernel reads and writes the types that the node has. Constants are widened for it.</summary>
    private static bool Serves(Node node, CpuKernel kernel)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            Value input = node.Inputs[i];
            if (input.Type.DType != DType.F32 && !(input.IsConstant && input.Type.DType.IsHalf()) && kernel.ReadsFloats(i)) return false;
        }

        foreach (Value output in node.Outputs)
        {
            if (output.Type.DType != DType.F32 && kernel.WritesFloats) return false;
        }

        return true;
    }
}
