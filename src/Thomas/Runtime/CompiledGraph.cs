using System;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Passes;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// All that compiling decides: the nodes that run and their order, the kernel of each and the bytes it needs, the place of every value. No memory is allocated for
/// any of it until an <see cref="Executable"/> is made, which then takes exactly the bytes that stand here.
/// </summary>
internal sealed class CompiledGraph
{
    private readonly CpuKernelContext _context;
    private readonly bool _serial;

    private CompiledGraph(Graph graph, MemoryPlan plan, long[] constantOffsets, long constantBytes, CpuKernelContext context, bool serial)
    {
        Graph = graph;
        Plan = plan;
        ConstantOffsets = constantOffsets;
        ConstantBytes = constantBytes;
        _context = context;
        _serial = serial;
    }

    /// <summary>The graph after all passes; its node order is the schedule.</summary>
    public Graph Graph { get; }

    /// <summary>Where the values lie.</summary>
    public MemoryPlan Plan { get; }

    /// <summary>Bytes of constants in the layouts of their kernels.</summary>
    public long ConstantBytes { get; }

    /// <summary>Where each node's constants lie among those.</summary>
    public long[] ConstantOffsets { get; }

    /// <summary>The team that the kernels were chosen for.</summary>
    public int Threads => _context.Threads;

    /// <summary>Bytes of the arena and of packed constants.</summary>
    public long SizeBytes => Plan.ArenaBytes + ConstantBytes;

    /// <summary>Bytes of the constants that the kernels read where the model holds them.</summary>
    public long FrozenBytes
    {
        get
        {
            long bytes = 0;
            foreach (Value value in Graph.Values) bytes += value.IsConstant ? value.Type.SizeBytes : 0;
            return bytes;
        }
    }

    /// <summary>Runs the passes, chooses kernels and plans the memory.</summary>
    /// <param name="graph">The graph, with the input shapes that it has.</param>
    /// <param name="options">Device, threads and switches.</param>
    /// <param name="threads">Threads of the team; 0 for those of the options.</param>
    public static CompiledGraph Create(Graph graph, CompileOptions options, int threads = 0)
    {
        bool serial = options.Device == DeviceKind.Serial;
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Threads, ThreadTeam.MaximumThreads);
        ArgumentOutOfRangeException.ThrowIfNegative(options.BlockRows);
        ArgumentOutOfRangeException.ThrowIfNegative(options.BlockPanelBytes);
        if (threads == 0) threads = serial ? 1 : options.Threads == 0 ? ThreadTeam.DefaultThreads : options.Threads;
        CpuKernelContext context = new(threads, Blocks(options));
        Graph compiled = CompilePasses.Run(graph, options.PassesOff);
        Schedule schedule = new(compiled, Workspaces(compiled, serial, context));
        if (options.Reorder) schedule = Scheduler.Run(schedule);
        if (options.ArenaBytes is long bound) schedule = RecomputeChoice.Run(schedule, bound);
        MemoryPlan plan = MemoryPlanner.Plan(schedule.Graph, schedule.WorkspaceBytes, options.ShareMemory);
        if (options.ArenaBytes is long most && CompilePasses.RunAfterRecompute(schedule.Graph, options.PassesOff) is Graph fused && !ReferenceEquals(fused, schedule.Graph))
        {
            Schedule other = new(fused, Workspaces(fused, serial, context));
            MemoryPlan otherPlan = MemoryPlanner.Plan(fused, other.WorkspaceBytes, options.ShareMemory);
            if (otherPlan.ArenaBytes <= Math.Max(most, plan.ArenaBytes)) (schedule, plan) = (other, otherPlan);
        }

        return new CompiledGraph(schedule.Graph, plan, Constants(schedule.Graph, serial, context, out long bytes), bytes, context, serial);
    }

    /// <summary>New kernels, not yet bound; null for views, for which nothing runs.</summary>
    public CpuKernel?[] CreateKernels()
    {
        CpuKernel?[] kernels = new CpuKernel?[Graph.Nodes.Count];
        for (int i = 0; i < kernels.Length; i++) kernels[i] = CreateKernel(Graph.Nodes[i], _serial, _context);
        return kernels;
    }

    private static BlockSizes Blocks(CompileOptions options)
    {
        BlockSizes blocks = CacheSizes.Blocks;
        return new BlockSizes(options.BlockRows == 0 ? blocks.Rows : options.BlockRows, options.BlockPanelBytes == 0 ? blocks.PanelBytes : options.BlockPanelBytes);
    }

    private static CpuKernel? CreateKernel(Node node, bool serial, CpuKernelContext context) =>
        node.Op.IsView(node) && !node.Inputs[0].IsConstant ? null : serial ? new ReferenceKernel(node) : node.Op.CreateCpuKernel(node, context);

    private static long[] Workspaces(Graph graph, bool serial, CpuKernelContext context)
    {
        long[] bytes = new long[graph.Nodes.Count];
        for (int i = 0; i < bytes.Length; i++) bytes[i] = CreateKernel(graph.Nodes[i], serial, context)?.WorkspaceBytes(context.Threads) ?? 0;
        return bytes;
    }

    private static long[] Constants(Graph graph, bool serial, CpuKernelContext context, out long bytes)
    {
        long[] offsets = new long[graph.Nodes.Count];
        bytes = 0;
        for (int i = 0; i < offsets.Length; i++)
        {
            offsets[i] = bytes;
            long size = CreateKernel(graph.Nodes[i], serial, context)?.ConstantBytes ?? 0;
            bytes += (size + LiveRanges.Alignment - 1) & -LiveRanges.Alignment;
        }

        return offsets;
    }
}
