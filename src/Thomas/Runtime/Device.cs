using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Passes;
using Thomas.Planning;
using Thomas.Runtime.OpenCl;

namespace Thomas.Runtime;

/// <summary>
/// What computes: all that compiling and running must know of it. Work is put into the device's queue and runs in that order; only reading its memory waits. On
/// the CPU each piece of work is done when it is put there.
/// </summary>
internal abstract class Device
{
    /// <summary>Short name for plans, reports and messages.</summary>
    public abstract string Name { get; }

    /// <summary>
    /// Name under which results are cached and runs resumed: devices of the same identity compute the same bits, as far as threads and vector instructions go.
    /// </summary>
    public abstract string Identity { get; }

    /// <summary>What the offsets of values in its memory are multiples of: a power of 2, in bytes.</summary>
    public abstract long Alignment { get; }

    /// <summary>Rates that decisions are made by. Fixed ones, so that the same question has the same answer.</summary>
    public virtual CostModel Rates => CostModel.Nominal;

    /// <summary>
    /// Elements of the largest variable whose update the device makes together with others, if they follow each other; 0 if it makes each alone.
    /// </summary>
    public virtual int JoinedUpdateElements => 0;

    /// <summary>Whether a compile pass pays on it.</summary>
    public virtual bool Wants(CompilePass pass) => !pass.ForCpuCaches && !pass.ForOpenCl;

    /// <summary>
    /// The graph with the values marked that are to lie in the device's memory as 16-bit floats (<see cref="Value.IsHalf"/>); the given one if there are none.
    /// </summary>
    public virtual Graph ChooseStorage(Graph graph) => graph;

    /// <summary>A new kernel for a node, not yet bound to memory; null if the device has none for it.</summary>
    public abstract DeviceKernel? CreateKernel(Node node);

    /// <summary>Waits until a kernel can be used. False if it turns out that it cannot: then the device makes no such kernel any more.</summary>
    public virtual bool IsReady(DeviceKernel kernel) => true;

    /// <summary>Kernels that the device should have but of which it has none that works, a sentence each.</summary>
    public virtual IReadOnlyCollection<string> Problems => [];

    /// <summary>
    /// Whether a kernel that is ready gives the results of its node's definition; tried out when it is first asked. False if it does not: then the device makes
    /// no such kernel any more.
    /// </summary>
    public virtual bool IsTrusted(Node node, DeviceKernel kernel) => true;

    /// <summary>Whether the kernel of a node may write its first result over an operand that has as many elements and dies with it.</summary>
    public virtual bool CanOverwrite(Node node, int input) => node.Op.CanOverwrite(node, input);

    /// <summary>The device of the host that runs the nodes for which this one has no kernels; null for one that has all.</summary>
    /// <param name="options">How the graph is compiled.</param>
    /// <param name="threads">Threads of the team; 0 for those of the options.</param>
    public virtual HostDevice? Fallback(CompileOptions options, int threads) => null;

    /// <summary>Takes memory, zeroed.</summary>
    /// <exception cref="ThomasException">There is not so much.</exception>
    public abstract DeviceMemory Allocate(long bytes);

    /// <summary>How the host puts an input of a graph, of float32 numbers, into the device's memory.</summary>
    /// <param name="place">Where the input lies.</param>
    public virtual InputStage CreateStage(MemorySpan place) => new BufferedInput(place);

    /// <summary>Bytes of the device and of the host that <see cref="CreateStage"/> takes for an input of so many bytes.</summary>
    public virtual (long Device, long Host) StageBytes(long inputBytes) => (0, inputBytes);

    /// <summary>Bytes of the host's memory that the device takes for transfers, once for all that it computes.</summary>
    public virtual long HostBytes => 0;

    /// <summary>Bytes of its memory that the device takes for a kernel beside arena and constants; 0 for another's kernel.</summary>
    public virtual long TableBytes(DeviceKernel kernel) => 0;

    /// <summary>Whether the device computes in this memory.</summary>
    public abstract bool Owns(DeviceMemory memory);

    /// <summary>Gives kernels their memory.</summary>
    /// <param name="kernels">Kernels that run one after the other.</param>
    /// <param name="team">The host's threads.</param>
    public abstract Segment Bind(IReadOnlyList<PlacedKernel> kernels, ThreadTeam team);

    /// <summary>Waits until the queue is empty.</summary>
    public abstract void Finish();

    /// <summary>The device that options ask for.</summary>
    /// <param name="options">Device, threads, blocks.</param>
    /// <param name="threads">Threads of the team; 0 for those of the options.</param>
    public static Device Of(CompileOptions options, int threads = 0) =>
        options.OtherDevice ?? (options.Device is DeviceKind.OpenCl or DeviceKind.Hybrid ? OpenClDevice.Open(options) : HostDevice.Of(options, threads));
}
