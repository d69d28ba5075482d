using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>Makes one launch of several that follow each other and do the same to other memory, such as the updates of all biases.</summary>
internal static class JointLaunches
{
    /// <summary>How many kernels, from one on, can be one launch; 1 for that one alone.</summary>
    public static int Length(ReadOnlySpan<PlacedKernel> kernels, int first)
    {
        if (LaunchOf(kernels[first]) is not OpenClLaunch launch) return 1;
        int count = 1;
        while (first + count < kernels.Length && LaunchOf(kernels[first + count]) is OpenClLaunch next
            && Fits(kernels[first], launch, kernels[first + count], next))
        {
            count++;
        }

        return count;
    }

    /// <summary>Bytes of a kernel's part of a table, where it is one of several that are one launch; 0 if it cannot be.</summary>
    public static long TableBytes(OpenClKernel kernel, OpenClLimits limits)
    {
        if (kernel.Launches.Count != 1 || kernel.Launches[0] is not { Joint: OpenClJoint joint } launch) return 0;
        long elements = launch.Group.X * limits.Vector, groups = (launch.Arguments[joint.Count].Value + elements - 1) / elements;
        return groups * (joint.Memories.Length + 2) * sizeof(int);
    }

    /// <summary>One launch for all of some kernels, and its table, which must live as long.</summary>
    public static (OpenClLaunch Launch, PlacedKernel Placed, DeviceMemory Table) Create(OpenClDevice device, ReadOnlySpan<PlacedKernel> kernels)
    {
        OpenClLaunch first = LaunchOf(kernels[0])!;
        OpenClJoint joint = first.Joint!;
        int elements = first.Group.X * device.Limits.Vector;
        List<int> table = [];
        int groups = 0;
        foreach (PlacedKernel placed in kernels)
        {
            OpenClLaunch launch = LaunchOf(placed)!;
            int count = (int)launch.Arguments[joint.Count].Value;
            for (int at = 0; at < count; at += elements, groups++)
            {
                foreach (int memory in joint.Memories)
                {
                    MemorySpan span = SpanOf(placed, launch.Arguments[memory]);
                    table.Add(checked((int)(span.Offset / OpenClJoint.Unit)));
                }

                table.Add(at);
                table.Add(count);
            }
        }

        DeviceMemory memoryOfTable = device.Allocate(table.Count * (long)sizeof(int));
        memoryOfTable.Write(0, MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(table)));
        List<MemorySpan> inputs = [];
        List<LaunchArgument> arguments = [];
        for (int i = 0; i < first.Arguments.Length; i++)
        {
            LaunchArgument argument = first.Arguments[i];
            if (i == joint.Count) continue;
            if (IsMemory(argument))
            {
                bool isOwn = Array.IndexOf(joint.Memories, i) >= 0;
                arguments.Add(isOwn ? new LaunchArgument(LaunchArgumentKind.Buffer, inputs.Count) : LaunchArgument.Input(inputs.Count));
                inputs.Add(SpanOf(kernels[0], argument));
            }
            else
            {
                arguments.Add(argument);
            }
        }

        arguments.Add(new LaunchArgument(LaunchArgumentKind.Buffer, inputs.Count));
        inputs.Add(new MemorySpan(memoryOfTable, 0, memoryOfTable.SizeBytes));
        OpenClLaunch all = new(first.Program, joint.Function, new WorkSize(groups * first.Group.X), first.Group, [.. arguments]);
        return (all, kernels[0] with { Inputs = [.. inputs] }, memoryOfTable);
    }

    /// <summary>The only launch of a kernel that can be joined with others; null if it cannot.</summary>
    private static OpenClLaunch? LaunchOf(PlacedKernel placed)
    {
        OpenClKernel kernel = (OpenClKernel)placed.Kernel;
        if (kernel.Launches.Count != 1 || kernel.Launches[0] is not { Joint: OpenClJoint joint } launch) return null;
        foreach (int memory in joint.Memories)
        {
            if (SpanOf(placed, launch.Arguments[memory]).Offset % OpenClJoint.Unit != 0) return null;
        }

        return launch;
    }

    private static bool Fits(PlacedKernel first, OpenClLaunch launch, PlacedKernel other, OpenClLaunch next)
    {
        if (launch.Program != next.Program || launch.Function != next.Function || launch.Group != next.Group) return false;
        OpenClJoint joint = launch.Joint!;
        for (int i = 0; i < launch.Arguments.Length; i++)
        {
            LaunchArgument a = launch.Arguments[i], b = next.Arguments[i];
            if (i == joint.Count) continue;
            if (!IsMemory(a))
            {
                if (a != b) return false;
                continue;
            }

            MemorySpan here = SpanOf(first, a), there = SpanOf(other, b);
            if (!ReferenceEquals(here.Memory, there.Memory)) return false;
            if (Array.IndexOf(joint.Memories, i) < 0 && here != there) return false;
        }

        return true;
    }

    private static bool IsMemory(LaunchArgument argument) => argument.Kind is LaunchArgumentKind.Input or LaunchArgumentKind.Output;

    private static MemorySpan SpanOf(PlacedKernel placed, LaunchArgument argument) =>
        argument.Kind == LaunchArgumentKind.Input ? placed.Inputs[argument.Index] : placed.Outputs[argument.Index];
}
