using System;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// A part of a launch that is put into the queue by itself: whole groups, a box of them. All parts together are the launch, and kernels number their groups by
/// global ids, so they compute the same bits as one launch does.
/// </summary>
/// <param name="Offset">Its first work-item along each axis.</param>
/// <param name="Items">Its work-items along each axis.</param>
internal readonly record struct LaunchPiece(WorkSize Offset, WorkSize Items)
{
    /// <summary>Cuts a launch: along the outermost axis that has enough groups, or else along several axes, the outermost first.</summary>
    /// <param name="items">All work-items, whole groups.</param>
    /// <param name="group">Work-items of a group.</param>
    /// <param name="wanted">How many parts there should be; there may be a few more, or fewer where there are not so many groups.</param>
    public static LaunchPiece[] Cut(WorkSize items, WorkSize group, int wanted)
    {
        int x = items.X / group.X, y = items.Y / group.Y, z = items.Z / group.Z;
        (int X, int Y, int Z) parts = (1, 1, 1);
        if (z >= wanted)
        {
            parts.Z = wanted;
        }
        else if (y >= wanted)
        {
            parts.Y = wanted;
        }
        else if (x >= wanted)
        {
            parts.X = wanted;
        }
        else
        {
            int rest = Up(wanted, z);
            parts = (Math.Min(x, Up(rest, y)), Math.Min(y, rest), z);
        }

        LaunchPiece[] pieces = new LaunchPiece[parts.X * parts.Y * parts.Z];
        int next = 0;
        for (int k = 0; k < parts.Z; k++)
        {
            for (int j = 0; j < parts.Y; j++)
            {
                for (int i = 0; i < parts.X; i++)
                {
                    (int atX, int sizeX) = Part(x, parts.X, i);
                    (int atY, int sizeY) = Part(y, parts.Y, j);
                    (int atZ, int sizeZ) = Part(z, parts.Z, k);
                    pieces[next++] = new LaunchPiece(
                        new WorkSize(atX * group.X, atY * group.Y, atZ * group.Z), new WorkSize(sizeX * group.X, sizeY * group.Y, sizeZ * group.Z));
                }
            }
        }

        return pieces;
    }

    /// <summary>First and number of the groups of a part; parts differ by one group at most.</summary>
    private static (int First, int Count) Part(int groups, int parts, int part)
    {
        int first = (int)((long)groups * part / parts);
        return (first, (int)((long)groups * (part + 1) / parts) - first);
    }

    private static int Up(int value, int step) => (value + step - 1) / step;
}
