using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>The scalar definition of every operator: the baseline and the oracle. Its kernels use one thread, whatever the team.</summary>
/// <param name="threads">Threads of the team.</param>
internal sealed class SerialDevice(int threads) : HostDevice(threads)
{
    /// <inheritdoc/>
    public override string Name => "serial";

    /// <inheritdoc/>
    public override string Identity => nameof(DeviceKind.Serial);

    /// <inheritdoc/>
    public override DeviceKernel? CreateKernel(Node node) => new ReferenceKernel(node);
}
