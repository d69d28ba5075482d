using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.OpenCl;

/// <summary>A convolution of a block: its operands and activation.</summary>
/// <param name="Filter">The filter.</param>
/// <param name="Bias">The bias; null for none.</param>
/// <param name="Activation">What is applied to the sum.</param>
/// <param name="IsConstant">Whether the filter is a constant.</param>
internal readonly record struct BlockPart(LaunchArgument Filter, LaunchArgument? Bias, Activation Activation, bool IsConstant);

/// <summary>
/// What a group makes of an inverted residual. It depends on sizes and limits alone.
/// </summary>
/// <param name="H">Rows of pixels.</param>
/// <param name="W">Columns of pixels.</param>
/// <param name="Columns">Work-items side by side, which have the output channels of the same pixels.</param>
/// <param name="Vectors">Vectors of 4 output channels that a work-item has.</param>
/// <param name="Slice">Hidden channels at a time.</param>
/// <param name="ImageH">Rows of the image that its pixels are made from.</param>
/// <param name="ImageW">Columns of that image.</param>
internal readonly record struct BlockTile(int H, int W, int Columns, int Vectors, int Slice, int ImageH, int ImageW)
{
    /// <summary>Pixels of a work-item.</summary>
    public const int Pixels = 4;

    private const int LeastItems = 16, MostItems = 256, FewItems = 64;

    // So that there are several groups on a unit.
    private const long MostLocalBytes = 32 << 10;

    private static readonly (int H, int W)[] Shapes = [(8, 16), (8, 8), (4, 8), (4, 4), (2, 8), (2, 4)];
    private static readonly int[] Slices = [16, 8, 4];

    /// <summary>Work-items of a group.</summary>
    public int Items => H * W / Pixels * Columns;

    /// <summary>The tile with the least work, that of surroundings which several groups expand included; null where none fits the device.</summary>
    /// <param name="g">The window, over hidden channels.</param>
    /// <param name="inputs">Channels that are expanded; 0 for none.</param>
    /// <param name="outputs">Channels of the result.</param>
    /// <param name="limits">Limits of the device.</param>
    public static BlockTile? Choose(in ConvGeometry g, int inputs, int outputs, OpenClLimits limits)
    {
        BlockTile? best = null;
        double least = double.PositiveInfinity;
        foreach ((int h, int w) in Shapes)
        {
            if (Fitting(g, h, w, outputs, limits) is not BlockTile tile) continue;
            double tiles = (double)ColumnPlan.Up(g.OutH, h) * ColumnPlan.Up(g.OutW, w);
            double work = tiles * (((long)tile.ImageH * tile.ImageW * inputs) + ((long)h * w * ((g.KernelH * g.KernelW) + outputs)));
            work *= Math.Max(1, (double)FewItems / tile.Items);
            if (work < least) (least, best) = (work, tile);
        }

        return best;
    }

    private static BlockTile? Fitting(in ConvGeometry g, int h, int w, int outputs, OpenClLimits limits)
    {
        int imageH = ((h - 1) * g.StrideH) + g.KernelH, imageW = ((w - 1) * g.StrideW) + ((g.KernelW - 1) * g.DilationW) + 1;
        long places = ((long)imageH * imageW) + (h * w);
        foreach (int vectors in (ReadOnlySpan<int>)[2, 3, 4, 1])
        {
            int columns = ColumnPlan.Up(outputs, 4 * vectors);
            if ((long)columns * (h * w / Pixels) is long items && (items < LeastItems || items > Math.Min(limits.WorkGroup, MostItems))) continue;
            foreach (int slice in Slices)
            {
                if (places * slice * sizeof(float) > Math.Min(limits.LocalBytes, MostLocalBytes)) continue;
                return new BlockTile(h, w, columns, vectors, slice, imageH, imageW);
            }
        }

        return null;
    }
}

/// <summary>The launches of an inverted residual whose expanded image is never in global memory.</summary>
internal static class InvertedResidualLaunches
{
    private const long Alignment = 512;

    /// <summary>y = f(project(depthwise(expand(x))) + residual), of operand 0; null where no tile fits the device, or channels do not go in fours.</summary>
    /// <param name="g">The window, over hidden channels.</param>
    /// <param name="inputs">Channels of x.</param>
    /// <param name="outputs">Channels of y.</param>
    /// <param name="expand">The expansion; null for none.</param>
    /// <param name="depthwise">The depthwise convolution.</param>
    /// <param name="project">The projection.</param>
    /// <param name="residual">What is added to the projection; null for nothing.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel? Create(
        in ConvGeometry g, int inputs, int outputs, BlockPart? expand, BlockPart depthwise, BlockPart project, LaunchArgument? residual, OpenClLimits limits)
    {
        int hidden = g.Channels;
        if (limits.Vector < 4 || inputs % 4 != 0 || hidden % 4 != 0 || outputs % 4 != 0) return null;
        if (BlockTile.Choose(g, expand is null ? 0 : inputs, outputs, limits) is not BlockTile tile) return null;
        long constants = 0, workspace = 0;
        List<OpenClLaunch> launches = [];
        List<(string, string)> macros =
        [
            ("TILE_H", Text(tile.H)), ("TILE_W", Text(tile.W)), ("IMAGE_H", Text(tile.ImageH)), ("IMAGE_W", Text(tile.ImageW)),
            ("SLICE", Text(tile.Slice)), ("COLUMNS", Text(tile.Columns)), ("RN", Text(tile.Vectors)), ("RP", Text(BlockTile.Pixels)),
            ("MIDDLE_ACT(x)", ActivationMacros.Value(depthwise.Activation).Text), ActivationMacros.Value(project.Activation),
        ];
        List<LaunchArgument> arguments = [LaunchArgument.Input(0).As("TX")];
        if (expand is BlockPart first)
        {
            macros.AddRange([("EXPAND", "1"), ("HIDDEN_ACT(x)", ActivationMacros.Value(first.Activation).Text)]);
            arguments.AddRange([Transposed(first, hidden, inputs), first.Bias ?? first.Filter]);
        }

        arguments.AddRange([depthwise.Filter, depthwise.Bias ?? depthwise.Filter, Transposed(project, outputs, hidden)]);
        if (project.Bias is LaunchArgument bias)
        {
            macros.Add(("BIAS", "1"));
            arguments.Add(bias);
        }

        if (residual is LaunchArgument added)
        {
            macros.Add(("RESIDUAL", "1"));
            arguments.Add(added.As("TR"));
        }

        arguments.AddRange(
            [
                LaunchArgument.Output().As("TY"), g.InH, g.InW, inputs, hidden, g.OutH, g.OutW, outputs, g.KernelH, g.KernelW, g.StrideH, g.StrideW,
                g.DilationW, g.PadTop, g.PadLeft, expand?.Bias is null ? 0 : 1, depthwise.Bias is null ? 0 : 1,
            ]);
        int groups = checked(g.Batch * ColumnPlan.Up(g.OutH, tile.H) * ColumnPlan.Up(g.OutW, tile.W));
        launches.Add(new OpenClLaunch(
            OpenClProgram.Of("inverted_residual", [.. macros]), "inverted_residual", new WorkSize(groups * tile.Items), new WorkSize(tile.Items),
            [.. arguments]));
        string name = string.Create(CultureInfo.InvariantCulture, $"f32_inverted_{tile.H}x{tile.W}x{tile.Slice}");
        return new OpenClKernel(name, [.. launches]) { Constants = constants, Workspace = workspace };

        LaunchArgument Transposed(BlockPart part, int rows, int columns)
        {
            ref long end = ref part.IsConstant ? ref constants : ref workspace;
            LaunchArgument target = part.IsConstant ? LaunchArgument.Constants(end) : LaunchArgument.Workspace(end);
            end += ((sizeof(float) * (long)rows * columns) + Alignment - 1) / Alignment * Alignment;
            launches.Add(ProductLaunches.Transpose(part.Filter, target, rows, columns, 1, part.IsConstant));
            return target;
        }
    }

    /// <summary>
    /// Kernels that run one after the other and hand images on, as one: they share the workspace, and have constants of their own.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="imageBytes">Bytes of workspace for the images.</param>
    /// <param name="parts">Makes the kernels, with images from some byte of the workspace on.</param>
    public static OpenClKernel Chained(string name, long imageBytes, Func<long, IReadOnlyList<OpenClKernel>> parts)
    {
        // Before the images lies what the kernels themselves need, each for its own time.
        long own = 0, constants = 0;
        foreach (OpenClKernel kernel in parts(0)) own = Math.Max(own, Aligned(kernel.Workspace));
        List<OpenClLaunch> launches = [];
        foreach (OpenClKernel kernel in parts(own))
        {
            foreach (OpenClLaunch launch in kernel.Launches) launches.Add(launch with { Arguments = Array.ConvertAll(launch.Arguments, Moved) });
            constants += Aligned(kernel.Constants);
        }

        return new OpenClKernel(name, [.. launches]) { Workspace = own + imageBytes, Constants = constants };

        LaunchArgument Moved(LaunchArgument argument) =>
            argument.Kind == LaunchArgumentKind.Constants ? argument with { Value = argument.Value + constants } : argument;
    }

    /// <summary>Bytes that a piece of workspace or constants takes.</summary>
    public static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static string Text(int value) => DepthwiseLaunches.Text(value);
}
