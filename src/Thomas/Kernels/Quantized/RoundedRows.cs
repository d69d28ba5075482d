using System;
using System.Numerics;
using Thomas.Kernels.Elementwise;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// y[m,c] = sum over k of x[m,k] * W[k,c] for few rows m, where the rows of W are made real a piece at a time: from steps, or by rounding real numbers. Sums
/// are in the order of k, so they do not depend on how columns are shared.
/// </summary>
/// <param name="rows">Rows of x and y.</param>
/// <param name="depth">Columns of x.</param>
/// <param name="columns">Columns of y.</param>
internal sealed unsafe class RoundedRows(int rows, int depth, int columns)
{
    /// <summary>Columns of an item: so many sums of some rows stay in the first-level cache.</summary>
    private const int Block = 64;

    /// <summary>The name in logs.</summary>
    public static string KernelName => $"f32_rounded_rows__{CpuFeatures.TierName}";

    /// <summary>Blocks of columns, independent of each other.</summary>
    public int Items => (columns + Block - 1) / Block;

    /// <summary>Does items [begin, end).</summary>
    /// <param name="x">Left operand.</param>
    /// <param name="w">Right operand, row by row: real numbers or steps.</param>
    /// <param name="isReal">Whether these are real numbers, which are rounded.</param>
    /// <param name="isSigned">Whether steps are signed.</param>
    /// <param name="scales">One scale, or one for each row of w.</param>
    /// <param name="zeros">The step that stands for zero, one or one for each row.</param>
    /// <param name="grid">The range of steps.</param>
    /// <param name="y">Result.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    public void RunItems(
        float* x, byte* w, bool isReal, bool isSigned, float* scales, ReadOnlySpan<int> zeros, WeightGrid grid, float* y, int begin, int end)
    {
        float* row = stackalloc float[Block];
        for (int item = begin; item < end; item++)
        {
            int first = item * Block, count = Math.Min(Block, columns - first);
            for (int m = 0; m < rows; m++) new Span<float>(y + ((nint)m * columns) + first, count).Clear();
            for (int k = 0; k < depth; k++)
            {
                int zero = zeros[zeros.Length == 1 ? 0 : k];
                float scale = scales[zeros.Length == 1 ? 0 : k];
                nint at = ((nint)k * columns) + first;
                if (isReal) FakeQuantizeKernel.PerTensor((float*)w + at, row, count, scale, zero, grid.Minimum, grid.Maximum, byReciprocal: false);
                else DequantizeKernel.Run(new QuantizedOperand(scale, zero, isSigned), w + at, row, count);
                for (int m = 0; m < rows; m++) Add(x[((nint)m * depth) + k], row, y + ((nint)m * columns) + first, count);
            }
        }
    }

    /// <summary>y[i] += factor * x[i], with a rounded product.</summary>
    private static void Add(float factor, float* x, float* y, int count)
    {
        int i = 0;
        Vector<float> factors = new(factor);
        for (; i <= count - Vector<float>.Count; i += Vector<float>.Count) (Vector.Load(y + i) + (factors * Vector.Load(x + i))).Store(y + i);
        for (; i < count; i++) y[i] += factor * x[i];
    }
}
