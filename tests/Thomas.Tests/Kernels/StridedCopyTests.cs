using System;
using System.Linq;
using Thomas.Kernels.Copy;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Kernels;

public unsafe class StridedCopyTests
{
    [Fact]
    public void Transpose_matches_reference_for_every_permutation()
    {
        int[][] shapes = [[7], [5, 33], [2, 17, 19], [3, 4, 5, 6], [1, 3, 35, 18], [2, 3, 1, 4, 2], [2, 3, 2, 2, 3, 5]];
        foreach (int[] shape in shapes)
        {
            foreach (int[] permutation in Permutations(shape.Length))
                CheckTranspose(shape, permutation);
        }
    }

    [Theory]
    [InlineData(new[] { 3, 17, 20 }, new[] { 0, 2, 1 }, "x32_transpose")]
    [InlineData(new[] { 1, 8, 9, 3 }, new[] { 0, 3, 1, 2 }, "x32_transpose")]
    [InlineData(new[] { 2, 8, 9, 3 }, new[] { 0, 2, 1, 3 }, "x32_copy_rows")]
    [InlineData(new[] { 2, 8, 9, 3 }, new[] { 0, 1, 2, 3 }, "x32_copy_rows")]
    public void Common_permutations_take_their_fast_path(int[] shape, int[] permutation, string name)
        => Assert.Equal(name, StridedCopy.Transpose(shape, permutation).KernelName);

    [Fact]
    public void A_box_is_copied_into_a_padded_array_and_nothing_else_is_written()
    {
        int[] box = [2, 3, 4, 5];
        nint[] from = new nint[4], to = new nint[4];
        StridedCopy.RowMajorStrides(box, from);
        StridedCopy.RowMajorStrides([2, 6, 7, 8], to);
        using GuardedBuffer source = GuardedBuffer.Random(120, 1), target = new(2 * 6 * 7 * 8);
        StridedCopy copy = new(box, from, to);
        nint offset = (1 * to[1]) + (2 * to[2]) + (3 * to[3]);
        copy.RunItems(source.Pointer, target.Pointer + offset, 0, copy.Items);
        int written = 0;
        for (int i = 0; i < source.Length; i++)
        {
            int[] index = Unravel(i, box);
            nint place = offset + index.Select((value, axis) => value * to[axis]).Aggregate((x, y) => x + y);
            Assert.Equal(source.Span[i], target.Span[(int)place]);
            written++;
        }

        Assert.Equal(written, target.Span.ToArray().Count(v => !float.IsNaN(v)));
    }

    [Fact]
    public void Reversed_and_repeated_strides_work()
    {
        using GuardedBuffer source = GuardedBuffer.Random(4, 1), target = new(12);
        StridedCopy copy = new([3, 4], [0, -1], [4, 1]);
        copy.RunItems(source.Pointer + 3, target.Pointer, 0, copy.Items);
        for (int i = 0; i < 12; i++)
            Assert.Equal(source.Span[3 - (i % 4)], target.Span[i]);
    }

    private static void CheckTranspose(int[] shape, int[] permutation)
    {
        int count = shape.Aggregate(1, (x, y) => x * y);
        using GuardedBuffer source = GuardedBuffer.Random(count, 1), target = new(count);
        StridedCopy copy = StridedCopy.Transpose(shape, permutation);
        for (int item = copy.Items - 1; item >= 0; item--)
            copy.RunItems(source.Pointer, target.Pointer, item, item + 1);
        int[] resultShape = [.. permutation.Select(axis => shape[axis])];
        for (int i = 0; i < count; i++)
        {
            int[] index = Unravel(i, resultShape);
            int from = 0;
            for (int axis = 0; axis < shape.Length; axis++)
                from = (from * shape[axis]) + index[Array.IndexOf(permutation, axis)];
            if (source.Span[from] != target.Span[i]) Assert.Fail($"[{string.Join(',', shape)}] by [{string.Join(',', permutation)}] at {i}");
        }
    }

    private static int[] Unravel(int flat, int[] shape)
    {
        int[] index = new int[shape.Length];
        for (int axis = shape.Length - 1; axis >= 0; axis--)
        {
            index[axis] = flat % shape[axis];
            flat /= shape[axis];
        }

        return index;
    }

    private static System.Collections.Generic.IEnumerable<int[]> Permutations(int rank)
    {
        if (rank == 0)
        {
            yield return [];
            yield break;
        }

        foreach (int[] rest in Permutations(rank - 1))
        {
            for (int place = 0; place < rank; place++)
                yield return [.. rest[..place], rank - 1, .. rest[place..]];
        }
    }
}
