using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Copy;

/// <summary>
/// Copies a box of 32-bit elements from one strided array to another: transposes, slices, the parts of a concatenation and of a padded
/// array. The axes are sorted out once: axes of one element vanish and axes that are neighbors in both arrays become one. What is left runs as
/// row copies, as a blocked transpose, or element by element. Work items are slices of the outermost axis.
/// </summary>
internal sealed unsafe class StridedCopy
{
    private const int Block = 16;
    private readonly int[] _sizes;
    private readonly nint[] _from;
    private readonly nint[] _to;

    /// <summary>A box copy.</summary>
    /// <param name="sizes">Elements along each axis; at most 8 axes.</param>
    /// <param name="fromStrides">Elements between neighbors along each axis of the source.</param>
    /// <param name="toStrides">Elements between neighbors along each axis of the target.</param>
    public StridedCopy(ReadOnlySpan<int> sizes, ReadOnlySpan<nint> fromStrides, ReadOnlySpan<nint> toStrides)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sizes.Length, 8);
        ArgumentOutOfRangeException.ThrowIfNotEqual(fromStrides.Length, sizes.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(toStrides.Length, sizes.Length);
        Span<int> s = stackalloc int[9];
        Span<nint> f = stackalloc nint[9], t = stackalloc nint[9];
        int rank = 0;
        for (int axis = 0; axis < sizes.Length; axis++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(sizes[axis]);
            if (sizes[axis] == 1) continue;
            bool joins = rank > 0 && f[rank - 1] == fromStrides[axis] * sizes[axis] && t[rank - 1] == toStrides[axis] * sizes[axis];
            if (joins) rank--;
            s[rank] = joins ? s[rank] * sizes[axis] : sizes[axis];
            (f[rank], t[rank]) = (fromStrides[axis], toStrides[axis]);
            rank++;
        }

        // The loops below want a row and at least one axis around it.
        while (rank < 2)
        {
            for (int i = rank; i > 0; i--)
                (s[i], f[i], t[i]) = (s[i - 1], f[i - 1], t[i - 1]);
            (s[0], f[0], t[0]) = (1, rank == 0 ? 1 : 0, rank == 0 ? 1 : 0);
            rank++;
        }

        (_sizes, _from, _to) = (s[..rank].ToArray(), f[..rank].ToArray(), t[..rank].ToArray());
    }

    /// <summary>Work items, independent of each other.</summary>
    public int Items => IsTranspose && _sizes.Length == 2 ? (_sizes[0] + Block - 1) / Block : _sizes[0];

    /// <summary>For logs: which of the loops runs.</summary>
    public string KernelName => IsTranspose ? "x32_transpose" : IsRows ? "x32_copy_rows" : "x32_copy_elements";

    private bool IsRows => _from[^1] == 1 && _to[^1] == 1;

    /// <summary>The last two axes are each contiguous in one of the arrays.</summary>
    private bool IsTranspose => !IsRows && ((_from[^1] == 1 && _to[^2] == 1) || (_from[^2] == 1 && _to[^1] == 1));

    /// <summary>The copy that permutes axes: result axis i is source axis permutation[i]; both without gaps, row-major.</summary>
    public static StridedCopy Transpose(ReadOnlySpan<int> sourceSizes, ReadOnlySpan<int> permutation)
    {
        int rank = sourceSizes.Length;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rank, 8);
        ArgumentOutOfRangeException.ThrowIfNotEqual(permutation.Length, rank);
        Span<nint> strides = stackalloc nint[8], from = stackalloc nint[8], to = stackalloc nint[8];
        Span<int> sizes = stackalloc int[8];
        RowMajorStrides(sourceSizes, strides);
        for (int i = 0; i < rank; i++)
            (sizes[i], from[i]) = (sourceSizes[permutation[i]], strides[permutation[i]]);
        RowMajorStrides(sizes[..rank], to);
        return new StridedCopy(sizes[..rank], from[..rank], to[..rank]);
    }

    /// <summary>Writes the strides of a row-major array without gaps.</summary>
    public static void RowMajorStrides(ReadOnlySpan<int> sizes, Span<nint> strides)
    {
        nint stride = 1;
        for (int i = sizes.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= sizes[i];
        }
    }

    /// <summary>Copies items [begin, end).</summary>
    /// <param name="source">The box's first element in the source.</param>
    /// <param name="target">The box's first element in the target; the arrays do not overlap.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    public void RunItems(float* source, float* target, int begin, int end)
    {
        if (IsTranspose && _sizes.Length == 2)
        {
            TransposeBlocks(source, target, begin, end);
            return;
        }

        for (int i = begin; i < end; i++)
            CopyAxis(source + (i * _from[0]), target + (i * _to[0]), 1);
    }

    private void CopyAxis(float* source, float* target, int axis)
    {
        if (axis == _sizes.Length - 1)
        {
            CopyRow(source, _from[axis], target, _to[axis], _sizes[axis]);
            return;
        }

        if (axis == _sizes.Length - 2 && IsTranspose)
        {
            TransposeBlocks(source, target, 0, (_sizes[axis] + Block - 1) / Block);
            return;
        }

        for (int i = 0; i < _sizes[axis]; i++)
            CopyAxis(source + (i * _from[axis]), target + (i * _to[axis]), axis + 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRow(float* source, nint sourceStep, float* target, nint targetStep, int count)
    {
        if (sourceStep == 1 && targetStep == 1)
        {
            Memory.Copy(source, target, count);
            return;
        }

        for (int i = 0; i < count; i++, source += sourceStep, target += targetStep)
            *target = *source;
    }

    /// <summary>The last two axes in blocks of 16 by 16: whole cache lines on both sides while they are near.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void TransposeBlocks(float* source, float* target, int begin, int end)
    {
        nint from0 = _from[^2], from1 = _from[^1], to0 = _to[^2], to1 = _to[^1];
        for (int item = begin; item < end; item++)
        {
            int i0 = item * Block, i1 = Math.Min(i0 + Block, _sizes[^2]);
            for (int j0 = 0; j0 < _sizes[^1]; j0 += Block)
            {
                int j1 = Math.Min(j0 + Block, _sizes[^1]);
                for (int i = i0; i < i1; i++)
                {
                    float* s = source + (i * from0) + (j0 * from1);
                    float* t = target + (i * to0) + (j0 * to1);
                    for (int j = j0; j < j1; j++, s += from1, t += to1)
                        *t = *s;
                }
            }
        }
    }
}
