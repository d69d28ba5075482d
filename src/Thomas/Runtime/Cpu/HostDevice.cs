using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Passes;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// What the devices that compute in the memory of the host have in common: everything but their kernels. Work is done when it is put into the queue.
/// </summary>
/// <param name="threads">Threads of the team.</param>
internal abstract class HostDevice(int threads) : Device
{
    // Of nominal time, so that they mean about the same work on every machine. Sharing a loop costs a microsecond or two, waking a worker ten and more until it
    // is there.
    private const double LeastSharedSeconds = 3e-6;
    private const double LeastWakingSeconds = 100e-6;

    /// <summary>Threads of the team that the kernels are chosen for.</summary>
    public int Threads => threads;

    /// <inheritdoc/>
    public override long Alignment => CpuPlace.Alignment;

    /// <inheritdoc/>
    public override bool Wants(CompilePass pass) => !pass.ForOpenCl;

    /// <inheritdoc/>
    public override bool CanOverwrite(Node node, int input) => node.Op.CpuCanOverwrite(node, input);

    /// <inheritdoc/>
    public override DeviceMemory Allocate(long bytes) => new Arena(bytes);

    /// <inheritdoc/>
    public override (long Device, long Host) StageBytes(long inputBytes) => (0, 0);

    /// <inheritdoc/>
    public override bool Owns(DeviceMemory memory) => memory is HostMemory;

    /// <inheritdoc/>
    public override void Finish()
    {
    }

    /// <summary>The device of the host that options ask for.</summary>
    /// <param name="options">Device, threads, blocks.</param>
    /// <param name="threads">Threads of the team; 0 for those of the options.</param>
    public static new HostDevice Of(CompileOptions options, int threads = 0)
    {
        if (threads == 0) threads = options.Device == DeviceKind.Serial ? 1 : options.Threads == 0 ? ThreadTeam.DefaultThreads : options.Threads;
        return options.Device switch
        {
            DeviceKind.Cpu => new CpuDevice(threads, Blocks(options)),
            DeviceKind.Serial => new SerialDevice(threads),
            _ => throw new ArgumentOutOfRangeException(nameof(options), $"There is no device '{options.Device}'."),
        };
    }

    /// <inheritdoc/>
    public override unsafe Segment Bind(IReadOnlyList<PlacedKernel> kernels, ThreadTeam team)
    {
        BoundKernel[] steps = new BoundKernel[kernels.Count];
        CostModel cost = CostModel.Nominal with { NodeSeconds = 0 };
        double left = 0;
        foreach (PlacedKernel placed in kernels) left += cost.Seconds(placed.Node);
        for (int i = 0; i < steps.Length; i++)
        {
            PlacedKernel placed = kernels[i];
            CpuKernel kernel = (CpuKernel)placed.Kernel;
            nint[] inputs = Addresses(placed.Inputs), outputs = Addresses(placed.Outputs);
            int values = inputs.Length + outputs.Length;
            MemoryRange[] operands = new MemoryRange[values + (placed.Workspace.Bytes > 0 ? 1 : 0)];
            if (operands.Length > values)
            {
                nint workspace = (nint)placed.Workspace.HostPointer;
                operands[values] = new MemoryRange(workspace, workspace + (nint)placed.Workspace.Bytes, IsWritten: true);
            }

            for (int k = 0; k < values; k++)
            {
                bool written = k >= inputs.Length;
                nint address = written ? outputs[k - inputs.Length] : inputs[k];
                long bytes = (written ? placed.Outputs[k - inputs.Length] : placed.Inputs[k]).Bytes;
                operands[k] = new MemoryRange(address, address + (nint)bytes, written);
            }

            kernel.UseConstants(placed.Constants.HostPointer, placed.Packs);
            kernel.Bind(inputs, outputs, placed.Workspace.HostPointer, Threads);
            double seconds = cost.Seconds(placed.Node);
            steps[i] = new BoundKernel(kernel, placed.Node, operands, seconds >= LeastSharedSeconds, left >= LeastWakingSeconds);
            left -= seconds;
        }

        return new CpuSegment(steps, team);
    }

    private static BlockSizes Blocks(CompileOptions options)
    {
        BlockSizes blocks = CacheSizes.Blocks;
        return new BlockSizes(
            options.BlockRows == 0 ? blocks.Rows : options.BlockRows, options.BlockPanelBytes == 0 ? blocks.PanelBytes : options.BlockPanelBytes);
    }

    private static unsafe nint[] Addresses(MemorySpan[] spans)
    {
        nint[] addresses = new nint[spans.Length];
        for (int i = 0; i < addresses.Length; i++) addresses[i] = (nint)spans[i].HostPointer;
        return addresses;
    }
}
