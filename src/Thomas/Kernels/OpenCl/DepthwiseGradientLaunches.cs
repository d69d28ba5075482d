using System;
using System.Collections.Generic;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of the gradients of depthwise convolution.</summary>
internal static class DepthwiseGradientLaunches
{
    private const string File = "depthwise_gradient";
    private const string AnyFile = "depthwise_gradient_any";

    // Items of a group that keeps sums, and such groups a unit.
    private const int SumItems = 128;
    private const int GroupsPerUnit = 8;
    private const int ItemsPerUnit = 1024;
    private const int LongestRun = 16;

    // Pixels that an item adds up at most.
    private const int MostPixels = 4096;

    /// <summary>dx, of the node's operands dy and filter.</summary>
    /// <param name="g">The forward window.</param>
    /// <param name="multiplier">Result channels for each channel.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel Input(in ConvGeometry g, int multiplier, OpenClLimits limits)
    {
        string name = $"f32_grad_dwconv_input_{DepthwiseLaunches.NameOf(g, multiplier, limits)}";
        LaunchArgument dy = LaunchArgument.Input(0), filter = LaunchArgument.Input(1), dx = LaunchArgument.Output();
        if (!DepthwiseLaunches.IsCommon(g, multiplier))
        {
            int items = g.Batch * g.InH * g.InW * g.Channels;
            return new OpenClKernel(name, new OpenClLaunch(
                OpenClProgram.Of(AnyFile), "input_gradient_any", new WorkSize(items), new WorkSize(limits.LoopGroup),
                [
                    dy, filter, dx, items, g.InH, g.InW, g.Channels, g.OutH, g.OutW, g.PadTop, g.PadLeft, multiplier, g.KernelH, g.KernelW, g.StrideH,
                    g.StrideW, g.DilationH, g.DilationW,
                ]));
        }

        // Taps and the results that they meet are in registers: 18 vectors of 3x3, 50 of 5x5.
        int vector = DepthwiseLaunches.VectorOf(
            g.Channels, Math.Min(limits.Vector, (g.KernelH == 3 ? 4 : 2) / (limits.Family == TileFamily.Registers ? 2 : 1)));
        RunPlan plan = new(g, vector, limits.LoopGroup, limits.ComputeUnits * ItemsPerUnit, LongestRun, addsUp: false, limits.IsFlat);
        return new OpenClKernel(name, new OpenClLaunch(
            Program(g, vector, ("DX", "1")), "depthwise_gradient", plan.Items, plan.Group, [filter, dx, dy, .. Numbers(g, plan, null)]));
    }

    /// <summary>dw, of the node's operands x and dy.</summary>
    /// <param name="g">The forward window.</param>
    /// <param name="multiplier">Result channels for each channel.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel Filter(in ConvGeometry g, int multiplier, OpenClLimits limits)
    {
        string name = $"f32_grad_dwconv_filter_{DepthwiseLaunches.NameOf(g, multiplier, limits)}";
        int outputs = g.Channels * multiplier, taps = g.KernelH * g.KernelW;
        LaunchArgument x = LaunchArgument.Input(0).As("TX"), dy = LaunchArgument.Input(1), dw = LaunchArgument.Output();
        if (DepthwiseLaunches.IsCommon(g, multiplier))
        {
            int vector = SumVector(g, limits);
            RunPlan plan = SumPlan(g, vector, limits);
            LaunchArgument sums = plan.Chunks > 1 ? LaunchArgument.Workspace() : dw;
            OpenClLaunch launch = new(
                Program(g, vector, ("DW", "1")), "depthwise_gradient", plan.Items, plan.Group,
                [x, sums, sums, Shared(plan, vector, taps), dy, .. Numbers(g, plan, null)]);
            return Finished(name, launch, plan.Chunks, taps * outputs, dw, 0, dw, 0, limits);
        }

        // A group is 64 bytes of a pixel by lanes; groups of all taps fill the device.
        int width = Math.Min(limits.IsFlat ? limits.SumGroup : Math.Min(limits.SumGroup, 16), ColumnPlan.Power(outputs));
        int lanes = limits.IsFlat ? 1 : limits.SumGroup / width;
        int blocks = ColumnPlan.Up(outputs, width) * taps, most = ColumnPlan.Up(g.OutPixels, lanes * MostPixels);
        int wanted = Math.Clamp(ColumnPlan.Up(limits.ComputeUnits * GroupsPerUnit, blocks), 1, ColumnPlan.Up(g.OutPixels, lanes * 4));
        int pixels = ColumnPlan.Up(g.OutPixels, Math.Max(wanted, most)), chunks = ColumnPlan.Up(g.OutPixels, pixels);
        OpenClLaunch any = new(
            OpenClProgram.Of(AnyFile), "filter_gradient_any", new WorkSize(outputs, taps * chunks * lanes), new WorkSize(width, lanes),
            [
                x, dy, chunks > 1 ? LaunchArgument.Workspace() : dw, g.OutPixels, g.InH, g.InW, g.Channels, g.OutH, g.OutW, g.PadTop, g.PadLeft, multiplier,
                taps, g.KernelW, g.StrideH, g.StrideW, g.DilationH, g.DilationW, pixels, LaunchArgument.Local((long)width * lanes * sizeof(float)),
            ]);
        return Finished(name, any, chunks, taps * outputs, dw, 0, dw, 0, limits);
    }

    /// <summary>dx and dw, and with a clipping the sums of dx, of the node's operands x, dy and filter. dx may lie over x.</summary>
    /// <param name="g">The forward window, one of <see cref="DepthwiseLaunches.IsCommon"/>.</param>
    /// <param name="clip">Bounds of the clipping that made x; null if none did.</param>
    /// <param name="keepsClip">Whether x may lie in memory as 16-bit floats: <see cref="Activation.IsKeptByHalf"/>.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel Both(in ConvGeometry g, (float Lower, float Upper)? clip, bool keepsClip, OpenClLimits limits)
    {
        string name = $"f32_grad_dwconv_{DepthwiseLaunches.NameOf(g, 1, limits)}";
        int vector = SumVector(g, limits), taps = g.KernelH * g.KernelW;
        RunPlan plan = SumPlan(g, vector, limits);
        LaunchArgument x = LaunchArgument.Input(0), dy = LaunchArgument.Input(1), filter = LaunchArgument.Input(2);
        if (keepsClip) x = x.As("TX");
        LaunchArgument dx = LaunchArgument.Output(), dw = LaunchArgument.Output(1), db = clip is null ? dw : LaunchArgument.Output(2);
        long biasAt = BiasAt(plan.Chunks, taps * g.Channels);
        bool isOne = plan.Chunks == 1;
        OpenClLaunch launch = new(
            Program(g, vector, ("DX", "1"), ("DW", "1")), "depthwise_gradient", plan.Items, plan.Group,
            [
                x, isOne ? dw : LaunchArgument.Workspace(), isOne ? db : LaunchArgument.Workspace(clip is null ? 0 : biasAt), Shared(plan, vector, taps + 1),
                filter, dx, dy, .. Numbers(g, plan, clip),
            ]);
        return Finished(name, launch, plan.Chunks, taps * g.Channels, dw, clip is null ? 0 : g.Channels, db, biasAt, limits);
    }

    /// <summary>The launch and, if there are several chunks, one that adds up their sums, which lie in the workspace.</summary>
    private static OpenClKernel Finished(
        string name, OpenClLaunch launch, int chunks, int columns, LaunchArgument dw, int biasColumns, LaunchArgument db, long biasAt, OpenClLimits limits)
    {
        if (chunks == 1) return new OpenClKernel(name, launch);
        int width = limits.IsFlat ? limits.SumGroup : Math.Min(limits.SumGroup, 8);
        int lanes = limits.IsFlat ? 1 : Math.Min(limits.SumGroup / width, ColumnPlan.Power(chunks));
        OpenClLaunch add = new(
            OpenClProgram.Of("partial_sums"), "add_rows", new WorkSize(columns + biasColumns, lanes), new WorkSize(width, lanes),
            [
                LaunchArgument.Workspace(), LaunchArgument.Workspace(biasColumns > 0 ? biasAt : 0), dw, db, chunks, columns, biasColumns,
                LaunchArgument.Local((long)width * lanes * sizeof(float)),
            ]);
        long bytes = biasColumns > 0 ? biasAt + ((long)chunks * biasColumns * sizeof(float)) : (long)chunks * columns * sizeof(float);
        return new OpenClKernel(name, launch, add) { Workspace = bytes };
    }

    private static long BiasAt(int chunks, int columns) => (((long)chunks * columns * sizeof(float)) + 511) / 512 * 512;

    // The taps' sums, the results that they meet and perhaps the taps are in registers: 18 or 27 vectors of 3x3, 50 of 5x5.
    private static int SumVector(in ConvGeometry g, OpenClLimits limits) =>
        DepthwiseLaunches.VectorOf(g.Channels, Math.Min(limits.Vector, limits.Family == TileFamily.Registers ? 1 : g.KernelH == 3 ? 4 : 2));

    private static RunPlan SumPlan(in ConvGeometry g, int vector, OpenClLimits limits)
    {
        int group = Math.Min(limits.SumGroup, SumItems);
        return new RunPlan(g, vector, group, limits.ComputeUnits * GroupsPerUnit * group, int.MaxValue, addsUp: true, limits.IsFlat);
    }

    // The kernel shares half of the sums at a time.
    private static LaunchArgument Shared(RunPlan plan, int vector, int sums) =>
        LaunchArgument.Local(plan.Group.Count * vector * ((sums + 1) / 2) * sizeof(float));

    private static OpenClProgram Program(in ConvGeometry g, int vector, params ReadOnlySpan<(string, string)> parts) => OpenClProgram.Of(
        File,
        [("K", DepthwiseLaunches.Text(g.KernelH)), ("S", DepthwiseLaunches.Text(g.StrideH)), ("V", DepthwiseLaunches.Text(vector)), .. parts]);

    private static List<LaunchArgument> Numbers(in ConvGeometry g, RunPlan plan, (float Lower, float Upper)? clip) =>
    [
        g.InH, g.InW, g.Channels, g.OutH, g.OutW, g.PadTop, g.PadLeft, plan.Rows, plan.Blocks, plan.Run, plan.Runs, plan.Tasks, plan.ChunkTasks,
        clip is null ? 0 : 1, clip?.Lower ?? 0, clip?.Upper ?? 0,
    ];

    /// <summary>How blocks of S x S pixels are cut: into runs along a row, runs into chunks, one a group, whose lanes share them.</summary>
    private sealed class RunPlan
    {
        /// <param name="g">The forward window.</param>
        /// <param name="vector">Channels of an item.</param>
        /// <param name="group">Items of a group: a power of 2.</param>
        /// <param name="items">Items that fill the device.</param>
        /// <param name="longest">Most blocks of a run.</param>
        /// <param name="addsUp">Whether an item may do several runs, because it keeps sums; else it does one.</param>
        /// <param name="isFlat">Whether a group has one lane.</param>
        public RunPlan(in ConvGeometry g, int vector, int group, int items, int longest, bool addsUp, bool isFlat)
        {
            int s = g.StrideH, columns = g.Channels / vector;

            // 128 bytes of a pixel.
            int width = Math.Min(isFlat ? group : Math.Min(group, 32 / vector), ColumnPlan.Power(columns)), lanes = isFlat ? 1 : group / width;
            Rows = (((g.InH - 1 + g.PadTop) / s) - (g.PadTop / s)) + 1;
            Blocks = (((g.InW - 1 + g.PadLeft) / s) - (g.PadLeft / s)) + 1;
            int lines = g.Batch * Rows, wanted = ColumnPlan.Up(items, ColumnPlan.Up(columns, width) * width);
            int runs = Math.Clamp(ColumnPlan.Up(wanted, lines), ColumnPlan.Up(Blocks, longest), ColumnPlan.Up(Blocks, 4 / s));
            Run = ColumnPlan.Up(Blocks, runs);
            Runs = ColumnPlan.Up(Blocks, Run);
            Tasks = checked(lines * Runs);
            int each = addsUp ? Math.Clamp(ColumnPlan.Up(Tasks, wanted), 1, Math.Max(1, MostPixels / (Run * s * s))) : 1;
            lanes = Math.Min(lanes, ColumnPlan.Power(Tasks));
            ChunkTasks = each * lanes;
            Chunks = ColumnPlan.Up(Tasks, ChunkTasks);
            Group = new WorkSize(width, lanes);
            Items = new WorkSize(columns, Chunks * lanes);
        }

        /// <summary>Rows of blocks of an image.</summary>
        public int Rows { get; }

        /// <summary>Blocks of a row.</summary>
        public int Blocks { get; }

        /// <summary>Blocks of a run.</summary>
        public int Run { get; }

        /// <summary>Runs of a row.</summary>
        public int Runs { get; }

        /// <summary>Runs of the batch.</summary>
        public int Tasks { get; }

        /// <summary>Runs of a chunk.</summary>
        public int ChunkTasks { get; }

        /// <summary>Chunks.</summary>
        public int Chunks { get; }

        /// <summary>Columns of channels by lanes.</summary>
        public WorkSize Group { get; }

        /// <summary>Work-items.</summary>
        public WorkSize Items { get; }
    }
}
