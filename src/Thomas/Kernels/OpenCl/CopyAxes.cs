using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// The axes of a copy of a box, innermost first. Axes of one element are left out, and axes that are neighbors in both arrays are one; there is at least one.
/// </summary>
/// <param name="Sizes">Elements along each.</param>
/// <param name="From">Distance of neighbors in the source.</param>
/// <param name="To">Distance of neighbors in the target.</param>
internal readonly record struct CopyAxes(int[] Sizes, int[] From, int[] To)
{
    /// <summary>Sorts out axes, given outermost first.</summary>
    /// <param name="sizes">Elements along each.</param>
    /// <param name="from">Distance of neighbors in the source.</param>
    /// <param name="to">Distance of neighbors in the target.</param>
    public static CopyAxes Of(ReadOnlySpan<int> sizes, ReadOnlySpan<int> from, ReadOnlySpan<int> to)
    {
        List<int> s = [], f = [], t = [];
        for (int axis = sizes.Length - 1; axis >= 0; axis--)
        {
            if (sizes[axis] == 1) continue;
            if (s.Count > 0 && from[axis] == f[^1] * s[^1] && to[axis] == t[^1] * s[^1])
            {
                s[^1] *= sizes[axis];
                continue;
            }

            s.Add(sizes[axis]);
            f.Add(from[axis]);
            t.Add(to[axis]);
        }

        return s.Count > 0 ? new CopyAxes([.. s], [.. f], [.. t]) : new CopyAxes([1], [1], [1]);
    }

    /// <summary>Number of axes.</summary>
    public int Count => Sizes.Length;

    /// <summary>Elements along all axes from one on.</summary>
    public int Product(int first)
    {
        int product = 1;
        for (int i = first; i < Count; i++) product *= Sizes[i];
        return product;
    }

    /// <summary>Without some axes.</summary>
    public CopyAxes Without(int a, int b)
    {
        List<int> s = [], f = [], t = [];
        for (int i = 0; i < Count; i++)
        {
            if (i == a || i == b) continue;
            s.Add(Sizes[i]);
            f.Add(From[i]);
            t.Add(To[i]);
        }

        return new CopyAxes([.. s], [.. f], [.. t]);
    }
}
