using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>An axis of <see cref="CopyLaunches.Spread"/>: place Step * i + Before of the result is place i of the operand.</summary>
/// <param name="Size">Elements of the result.</param>
/// <param name="Before">Elements of the result before the first that comes from the operand.</param>
/// <param name="Count">Elements of the operand.</param>
/// <param name="Step">Distance of neighbors of the operand in the result.</param>
internal readonly record struct SpreadAxis(int Size, int Before, int Count, int Step);

/// <summary>Launches that move elements of 32 bits, or of 16 where they are stored so.</summary>
internal static class CopyLaunches
{
    /// <summary>Groups along an axis but the first, of which some drivers take no more than 65535.</summary>
    public const int MostGroups = 1 << 15;

    // The kernels' axes; between the innermost and the outermost one.
    private const int MostAxes = 8, Inner = MostAxes - 2;

    private const int Vector = 4;

    // Elements are moved as they are, so operands and results are stored alike.
    private const string Element = "TX";
    private const int Operands = 4;

    private static readonly OpenClProgram Program = OpenClProgram.Of("copy");

    /// <summary>y = x, so many bytes.</summary>
    public static OpenClLaunch Bytes(long bytes, OpenClLimits limits)
    {
        const int VectorBytes = 16;
        if (limits.Vector == 1 && bytes % sizeof(int) == 0) return Box(CopyAxes.Of([checked((int)(bytes / sizeof(int)))], [1], [1]), 0, 0, limits);
        int vectors = checked((int)(bytes / VectorBytes)), rest = (int)(bytes % VectorBytes);
        return new OpenClLaunch(
            Program, "copy_bytes", new WorkSize(vectors + (rest > 0 ? 1 : 0)), new WorkSize(limits.LoopGroup),
            [LaunchArgument.Input(0), LaunchArgument.Output(), vectors, rest]);
    }

    /// <summary>y[place of i] = x[place of i] for i in a box.</summary>
    /// <param name="axes">The box, at most 8 axes.</param>
    /// <param name="from">The place of its first element in x.</param>
    /// <param name="to">The place of its first element in y.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Box(CopyAxes axes, int from, int to, OpenClLimits limits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(axes.Count, MostAxes);
        bool vectors = limits.Vector == Vector && axes.From[0] == 1 && axes.To[0] == 1 && axes.Sizes[0] % Vector == 0 && (from | to) % Vector == 0;
        for (int i = 1; i < axes.Count; i++) vectors &= axes.From[i] % Vector == 0 && axes.To[i] % Vector == 0;
        int unit = vectors ? Vector : 1, columns = axes.Sizes[0] / unit, rows = axes.Product(1);
        bool one = axes.Count == 1;
        List<LaunchArgument> arguments =
        [
            LaunchArgument.Input(0).As(Element), LaunchArgument.Output().As(Element), from / unit, to / unit, columns, rows, axes.Count,
            vectors ? 1 : axes.From[0], vectors ? 1 : axes.To[0], one ? 0 : axes.From[^1] / unit, one ? 0 : axes.To[^1] / unit,
        ];
        AddInner(arguments, axes, 1, Inner, unit);
        return Launch(vectors ? "copy_box4" : "copy_box", columns, rows, 1, limits, arguments);
    }

    /// <summary>Joins rows of all operands: y[row] = x0[row], x1[row], .. side by side; 4 operands a launch.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="lengths">Elements of a row of each operand.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch[] Concat(int rows, ReadOnlySpan<int> lengths, OpenClLimits limits)
    {
        List<OpenClLaunch> launches = [];
        int total = 0, at = 0;
        foreach (int length in lengths) total += length;
        for (int begin = 0; begin < lengths.Length; begin += Operands)
        {
            ReadOnlySpan<int> together = lengths[begin..Math.Min(begin + Operands, lengths.Length)];
            int longest = 0, sum = 0, all = total | at;
            foreach (int length in together) (longest, sum, all) = (Math.Max(longest, length), sum + length, all | length);
            int unit = limits.Vector == Vector && all % Vector == 0 ? Vector : 1;
            List<LaunchArgument> arguments = [];
            for (int k = 0; k < Operands; k++) arguments.Add(LaunchArgument.Input(begin + Math.Min(k, together.Length - 1)).As(Element));
            arguments.AddRange([LaunchArgument.Output().As(Element), rows, total / unit, at / unit]);
            for (int k = 0; k < Operands; k++) arguments.Add(k < together.Length ? together[k] / unit : 0);
            launches.Add(Launch(unit > 1 ? "concat4" : "concat", longest / unit, rows, together.Length, limits, arguments));
            at += sum;
        }

        return [.. launches];
    }

    /// <summary>y = what x has at that place, value where it has none.</summary>
    /// <param name="axes">The axes, outermost first, at most 8.</param>
    /// <param name="value">What fills the rest.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Spread(ReadOnlySpan<SpreadAxis> axes, float value, OpenClLimits limits)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(axes.Length, MostAxes);
        List<SpreadAxis> joined = Joined(axes);
        int rows = 1;
        bool vectors = limits.Vector == Vector && joined[0].Step == 1 && (joined[0].Size | joined[0].Before | joined[0].Count) % Vector == 0;
        for (int i = 1; i < joined.Count; i++) rows *= joined[i].Size;
        List<LaunchArgument> arguments =
        [
            LaunchArgument.Input(0).As(Element), LaunchArgument.Output().As(Element), BitConverter.SingleToInt32Bits(value),
            BitConverter.HalfToUInt16Bits((Half)value), rows, joined.Count,
        ];
        for (int i = 0, stride = 1; i < MostAxes; i++)
        {
            SpreadAxis axis = i < joined.Count ? joined[i] : new SpreadAxis(1, 0, 1, 1);
            if (vectors && i == 0) axis = new SpreadAxis(axis.Size / Vector, axis.Before / Vector, axis.Count / Vector, 1);
            arguments.AddRange([axis.Size, axis.Before, axis.Count, axis.Step, stride]);
            stride *= axis.Count;
        }

        return Launch(vectors ? "spread4" : "spread", vectors ? joined[0].Size / Vector : joined[0].Size, rows, 1, limits, arguments);
    }

    /// <summary>Adds sizes and strides of axes that the kernels' items divide by, all sizes first; what is missing has one element.</summary>
    internal static void AddInner(List<LaunchArgument> arguments, CopyAxes axes, int first, int count, int unit)
    {
        for (int i = first; i < first + count; i++) arguments.Add(i < axes.Count ? axes.Sizes[i] : 1);
        for (int i = first; i < first + count; i++) arguments.Add(i < axes.Count ? axes.From[i] / unit : 0);
        for (int i = first; i < first + count; i++) arguments.Add(i < axes.Count ? axes.To[i] / unit : 0);
    }

    /// <summary>The axes innermost first; an axis around one that x fills joins it.</summary>
    private static List<SpreadAxis> Joined(ReadOnlySpan<SpreadAxis> axes)
    {
        List<SpreadAxis> joined = [];
        for (int i = axes.Length - 1; i >= 0; i--)
        {
            SpreadAxis axis = axes[i];
            if (axis is { Size: 1, Before: 0, Count: 1 }) continue;
            if (joined.Count > 0 && joined[^1] is { Before: 0, Step: 1 } inner && inner.Size == inner.Count && axis.Step == 1)
            {
                joined[^1] = new SpreadAxis(axis.Size * inner.Size, axis.Before * inner.Size, axis.Count * inner.Size, 1);
                continue;
            }

            joined.Add(axis);
        }

        if (joined.Count == 0) joined.Add(new SpreadAxis(1, 0, 1, 1));
        return joined;
    }

    /// <summary>
    /// A launch for columns and rows: a group takes as many columns as there are, and rows for the rest of its items. The last argument is the step.
    /// </summary>
    private static OpenClLaunch Launch(string function, int columns, int rows, int layers, OpenClLimits limits, List<LaunchArgument> arguments)
    {
        int width = 1, height = 1;
        while (width < columns && width * 2 <= limits.LoopGroup) width *= 2;
        while (!limits.IsFlat && height < rows && width * height * 2 <= limits.LoopGroup) height *= 2;
        WorkSize group = new(width, height), items = new(columns, Math.Min(rows, MostGroups * height), layers);
        return new OpenClLaunch(Program, function, items, group, [.. arguments, items.Cover(group).Y]);
    }
}
