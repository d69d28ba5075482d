using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;

namespace Thomas.Ops;

internal sealed partial class Reduce
{
    internal override OpenClKernel CreateOpenClKernel(Node node, OpenClKernelContext context)
    {
        ReduceAttributes a = (ReduceAttributes)node.Attributes;
        Shape x = node.Inputs[0].Shape;
        (bool isMaximum, bool isMean) = a.Kind switch
        {
            ReduceKind.Mean => (false, true),
            ReduceKind.Sum => (false, false),
            ReduceKind.Max => (true, false),
            _ => throw new UnreachableException($"There is no kernel for {a.Kind}."),
        };
        string name = $"f32_reduce_{a.Kind.ToString().ToLowerInvariant()}";
        if (x.ElementCount == 0) return new OpenClKernel(name);
        float scale = isMean ? 1f / (x.ElementCount / node.Output.Shape.ElementCount) : 1;
        List<Axis> axes = Joined(x, a.Axes);
        int first = axes.FindIndex(axis => axis.IsReduced);
        if (axes.FindLastIndex(axis => axis.IsReduced) == first)
        {
            int inner = first < 0 ? x.ElementCount : axes[first].Stride, reduced = first < 0 ? 1 : axes[first].Size;
            ReductionCut cut = ReductionCut.Of(x.ElementCount / inner / reduced, reduced, inner, context.Limits, joins: true);
            (OpenClLaunch[] launches, long workspace) = ReduceLaunches.Of(isMaximum, cut, scale, context.Limits);
            return new OpenClKernel(launches.Length == 1 ? name : $"{name}_chunks", launches) { Workspace = workspace };
        }

        List<Axis> kept = axes.FindAll(axis => !axis.IsReduced), gone = axes.FindAll(axis => axis.IsReduced);
        return new OpenClKernel(
            $"{name}_strided",
            ReduceLaunches.Strided(isMaximum, Sizes(kept), Strides(kept), Sizes(gone), Strides(gone), scale, context.Limits));
    }

    /// <summary>The axes, innermost first. Neighbors that are both kept or both reduced are one; axes of size 1 are left out.</summary>
    private static List<Axis> Joined(Shape x, IntList reduced)
    {
        List<Axis> axes = [];
        int stride = 1;
        for (int i = x.Rank - 1; i >= 0; i--)
        {
            if (x[i] == 1) continue;
            bool isReduced = reduced.Items.Contains(i);
            if (axes.Count > 0 && axes[^1].IsReduced == isReduced) axes[^1] = axes[^1] with { Size = axes[^1].Size * x[i] };
            else axes.Add(new Axis(x[i], stride, isReduced));
            stride *= x[i];
        }

        return axes;
    }

    private static int[] Sizes(List<Axis> axes) => [.. axes.ConvertAll(axis => axis.Size)];

    private static int[] Strides(List<Axis> axes) => [.. axes.ConvertAll(axis => axis.Stride)];

    private readonly record struct Axis(int Size, int Stride, bool IsReduced);
}
