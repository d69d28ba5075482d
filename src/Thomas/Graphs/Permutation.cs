using System;

namespace Thomas.Graphs;

/// <summary>Arithmetic of axis permutations: axis i of the result is axis perm[i] of the operand.</summary>
internal static class Permutation
{
    public static IntList Identity(int rank)
    {
        int[] perm = new int[rank];
        for (int i = 0; i < rank; i++) perm[i] = i;
        return new IntList(perm);
    }

    public static bool IsIdentity(IntList perm)
    {
        for (int i = 0; i < perm.Count; i++)
        {
            if (perm[i] != i) return false;
        }

        return true;
    }

    /// <summary>The permutation that does <paramref name="first"/> and then <paramref name="second"/>.</summary>
    public static IntList Compose(IntList first, IntList second)
    {
        int[] perm = new int[first.Count];
        for (int i = 0; i < perm.Length; i++) perm[i] = first[second[i]];
        return new IntList(perm);
    }

    public static IntList Invert(IntList perm)
    {
        int[] inverse = new int[perm.Count];
        for (int i = 0; i < inverse.Length; i++) inverse[perm[i]] = i;
        return new IntList(inverse);
    }

    /// <summary>
    /// Whether permuting a tensor of this shape leaves its elements in place: only axes of size 1 move past others. The first axis counts as
    /// longer than 1, because it is usually the batch, which may grow.
    /// </summary>
    public static bool KeepsOrder(IntList perm, Shape shape)
    {
        int last = -1;
        foreach (int axis in perm.Items)
        {
            if (axis != 0 && shape[axis] == 1) continue;
            if (axis < last) return false;
            last = axis;
        }

        return true;
    }

    /// <summary>Items of a per-axis list, reordered as the axes are.</summary>
    public static IntList Apply(IntList perm, IntList items)
    {
        int[] result = new int[perm.Count];
        for (int i = 0; i < result.Length; i++) result[i] = items[perm[i]];
        return new IntList(result);
    }

    public static Shape Apply(IntList perm, Shape shape)
    {
        Span<int> dims = stackalloc int[perm.Count];
        for (int i = 0; i < dims.Length; i++) dims[i] = shape[perm[i]];
        return new Shape(dims);
    }
}
