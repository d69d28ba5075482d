using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// Launches that clip by the norm of many tensors together: sums of squares of pieces, 16 tensors a launch, then one group that adds those and writes the
/// control vector. Operands: control [4], then the tensors.
/// </summary>
internal static class GlobalNormLaunches
{
    private const int Slots = 16;
    private const int LeastOfItem = 64, MostOfItem = 4096;

    // So many sums for each item of the last group, before items of the first groups get more to do.
    private const int SumsOfItem = 64;

    private static readonly OpenClProgram Program = OpenClProgram.Of("globalnorm");

    /// <summary>The launches and the bytes of workspace that they share.</summary>
    /// <param name="counts">Elements of each tensor.</param>
    /// <param name="bound">The largest norm that stays.</param>
    /// <param name="limits">Limits of the device.</param>
    public static (OpenClLaunch[] Launches, long Workspace) Of(ReadOnlySpan<int> counts, float bound, OpenClLimits limits)
    {
        WorkSize group = new(limits.SumGroup);
        LaunchArgument local = LaunchArgument.Local((long)group.X * sizeof(float));
        int piece = Piece(counts, group.X), sums = 0;
        List<OpenClLaunch> launches = [];
        for (int begin = 0; begin < counts.Length; begin += Slots)
        {
            List<LaunchArgument> arguments = [LaunchArgument.Workspace(), sums, piece, local];
            int groups = 0;
            for (int k = 0; k < Slots; k++)
            {
                // A slot without a tensor begins behind the last group.
                bool used = begin + k < counts.Length;
                int tensor = used ? begin + k : begin;
                arguments.AddRange([LaunchArgument.Input(tensor + 1), counts[tensor], used ? groups : int.MaxValue]);
                if (used) groups += Pieces(counts[tensor], piece);
            }

            launches.Add(new OpenClLaunch(Program, "sum_squares", new WorkSize(checked(groups * group.X)), group, [.. arguments]));
            sums += groups;
        }

        launches.Add(new OpenClLaunch(
            Program, "clip_control", group, group, [LaunchArgument.Workspace(), sums, LaunchArgument.Input(0), LaunchArgument.Output(), bound, local]));
        return ([.. launches], sums * (long)sizeof(float));
    }

    /// <summary>Elements of a group.</summary>
    private static int Piece(ReadOnlySpan<int> counts, int group)
    {
        int ofItem = LeastOfItem;
        while (ofItem < MostOfItem)
        {
            long sums = 0;
            foreach (int count in counts) sums += Pieces(count, ofItem * group);
            if (sums <= (long)SumsOfItem * group + counts.Length) break;
            ofItem *= 2;
        }

        return ofItem * group;
    }

    private static int Pieces(int count, int piece) => (int)(((long)count + piece - 1) / piece);
}
