using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Passes;
using Thomas.Planning;

namespace Thomas.Runtime;

/// <summary>
/// All that compiling decides: the nodes that run, where and in which order, the kernel of each and the bytes it needs, the place of every value. No memory is
/// allocated for any of it until an <see cref="Executable"/> is made, which then takes exactly the bytes that stand here.
/// </summary>
internal sealed class CompiledGraph
{
    private DeviceKernel?[]? _kernels;

    private CompiledGraph(Schedule schedule, MemoryPlan plan, DeviceKernel?[] kernels, Places places)
    {
        Graph = schedule.Graph;
        Plan = plan;
        Places = places;
        Constants = new ConstantPlan(Graph, kernels, places);
        _kernels = kernels;
        foreach (DeviceKernel? kernel in kernels)
        {
            if (kernel is not null) TableBytes += places.Devices[0].TableBytes(kernel);
        }

        foreach (Value input in Graph.Inputs)
        {
            (long device, long host) = places.Devices[input.Place].StageBytes(input.Type.SizeBytes);
            (DeviceStageBytes, StageBytes) = (DeviceStageBytes + device, StageBytes + device + host);
        }
    }

    /// <summary>The graph after all passes; its node order is the schedule.</summary>
    public Graph Graph { get; }

    /// <summary>Where the values lie.</summary>
    public MemoryPlan Plan { get; }

    /// <summary>The devices that the nodes are placed on.</summary>
    public Places Places { get; }

    /// <summary>Where the constants lie.</summary>
    public ConstantPlan Constants { get; }

    /// <summary>Bytes of constants in the layouts of their kernels, and of copies in the memory of other devices than the host.</summary>
    public long ConstantBytes => Constants.Bytes;

    /// <summary>The team that the host's kernels were chosen for.</summary>
    public int Threads => Places.Threads;

    /// <summary>Bytes of tables by which updates are made together, at most.</summary>
    public long TableBytes { get; }

    /// <summary>Bytes of the arenas, of packed constants and of tables.</summary>
    public long SizeBytes => Plan.ArenaBytes + ConstantBytes + TableBytes;

    /// <summary>Bytes that bring the inputs to the device, on both sides; they are taken when an input is first staged.</summary>
    public long StageBytes { get; }

    /// <summary>Those of them in the memory of the device.</summary>
    public long DeviceStageBytes { get; }

    /// <summary>What of <see cref="SizeBytes"/> is in the memory of a device that is not the host.</summary>
    public long DeviceBytes => Places.Devices[0] is HostDevice ? 0 : Plan.Arenas[0].Bytes + Constants.BytesOf(0) + TableBytes;

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

    /// <summary>
    /// What of <see cref="FrozenBytes"/> the model does not hold: real numbers of weights that it keeps as 8-bit steps.
    /// </summary>
    public long ExpandedBytes
    {
        get
        {
            long bytes = 0;
            foreach (Value value in Graph.Values) bytes += value.Constant is { Steps: not null } ? value.Type.SizeBytes : 0;
            return bytes;
        }
    }

    /// <summary>Predicted time of a run by the rates that decisions are made by, in seconds.</summary>
    public double Seconds
    {
        get
        {
            double seconds = 0;
            foreach (Node node in Graph.Nodes) seconds += Places.Seconds(node);
            return seconds;
        }
    }

    /// <summary>Runs the passes, places the nodes, chooses kernels and plans the memory.</summary>
    /// <param name="graph">The graph, with the input shapes that it has.</param>
    /// <param name="options">Device, threads and switches.</param>
    /// <param name="threads">Threads of the team; 0 for those of the options.</param>
    /// <exception cref="GraphException">No device has a kernel for a node.</exception>
    public static CompiledGraph Create(Graph graph, CompileOptions options, int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Threads);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Threads, ThreadTeam.MaximumThreads);
        ArgumentOutOfRangeException.ThrowIfNegative(options.BlockRows);
        ArgumentOutOfRangeException.ThrowIfNegative(options.BlockPanelBytes);
        Places places = Places.Of(options, threads);
        Device device = places.Devices[0];
        Graph compiled = Placement.Run(CompilePasses.Run(graph, IsWanted), places, out DeviceKernel?[] kernels);
        Schedule schedule = new(compiled, Workspaces(kernels, places), places);
        if (options.Reorder) schedule = Scheduler.Run(schedule);
        if (device.JoinedUpdateElements > 0) schedule = LateUpdates.Run(schedule, device.JoinedUpdateElements);
        if (options.ArenaBytes is long bound) schedule = RecomputeChoice.Run(schedule, bound, options.KeptAs);
        Schedule whole = Kept(schedule);
        MemoryPlan plan = MemoryPlanner.Plan(whole, options.ShareMemory);

        // Fusing does not look at places, and kernels of a device of its own gain nothing by it.
        if (options.ArenaBytes is long most && places.Count == 1 && CompilePasses.RunAfterRecompute(schedule.Graph, IsWanted) is Graph fused
            && !ReferenceEquals(fused, schedule.Graph))
        {
            DeviceKernel?[] otherKernels = new DeviceKernel?[fused.Nodes.Count];
            for (int i = 0; i < otherKernels.Length; i++) otherKernels[i] = Placement.CreateKernel(fused.Nodes[i], places);
            Schedule other = Kept(new Schedule(fused, Workspaces(otherKernels, places), places));
            MemoryPlan otherPlan = MemoryPlanner.Plan(other, options.ShareMemory);
            if (otherPlan.ArenaBytes <= Math.Max(most, plan.ArenaBytes))
            {
                return new CompiledGraph(other, otherPlan, InOrder(other, otherKernels, places), places);
            }
        }

        return new CompiledGraph(whole, plan, InOrder(whole, kernels, places), places);

        Schedule Kept(Schedule plain) => options.KeptAs is DType type ? KeptHalves.Run(plain, type, out _) : plain;

        bool IsWanted(CompilePass pass) => device.Wants(pass) && !Contains(options.PassesOff, pass.Name)
            && pass != (options.QuantizedRounding == QuantizedRounding.Float ? CompilePasses.LowerQuantizedFixedPoint : CompilePasses.LowerQuantized);
    }

    /// <summary>
    /// The kernel of each node, not yet bound; null for views and transfers. The first executable gets those that were created to plan, each further one new
    /// ones, since a kernel is bound once.
    /// </summary>
    public DeviceKernel?[] TakeKernels()
    {
        if (Interlocked.Exchange(ref _kernels, null) is DeviceKernel?[] first) return first;
        DeviceKernel?[] kernels = new DeviceKernel?[Graph.Nodes.Count];
        for (int i = 0; i < kernels.Length; i++) kernels[i] = Placement.CreateKernel(Graph.Nodes[i], Places);
        return kernels;
    }

    private static bool Contains(IReadOnlyCollection<string> names, string name)
    {
        foreach (string candidate in names)
        {
            if (candidate == name) return true;
        }

        return false;
    }

    private static long[] Workspaces(DeviceKernel?[] kernels, Places places) =>
        Array.ConvertAll(kernels, kernel => kernel?.WorkspaceBytes(places.Threads) ?? 0);

    /// <summary>The kernels in the order of the schedule. A node that is repeated needs a second one, one that was added its
    /// own.</summary>
    private static DeviceKernel?[] InOrder(Schedule schedule, DeviceKernel?[] created, Places places)
    {
        DeviceKernel?[] kernels = new DeviceKernel?[schedule.Graph.Nodes.Count];
        bool[] isTaken = new bool[created.Length];
        for (int i = 0; i < kernels.Length; i++)
        {
            int origin = schedule.OriginOf(i);
            if (origin < 0)
            {
                kernels[i] = Placement.CreateKernel(schedule.Graph.Nodes[i], places);
                continue;
            }

            kernels[i] = isTaken[origin] ? Placement.CreateKernel(schedule.Graph.Nodes[i], places) : created[origin];
            isTaken[origin] = true;
        }

        return kernels;
    }
}
