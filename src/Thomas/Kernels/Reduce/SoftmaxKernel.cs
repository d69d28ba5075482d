using Thomas.Kernels.Elementwise;

namespace Thomas.Kernels.Reduce;

/// <summary>
/// Softmax over the rows of a float32 matrix: y[r, i] = e^(beta * (x[r, i] - max)) / sum over j of e^(beta * (x[r, j] - max)), with max
/// the row's largest value, so nothing overflows. A row that holds NaN becomes NaN. Work items are the rows; y may be x.
/// </summary>
internal static unsafe class SoftmaxKernel
{
    /// <summary>The name in logs.</summary>
    public static string KernelName => $"f32_softmax__{CpuFeatures.TierName}";

    /// <summary>Computes rows [begin, end) of length n.</summary>
    public static void RunItems(float* x, float* y, int n, float beta, int begin, int end)
    {
        for (int r = begin; r < end; r++)
        {
            float* from = x + ((nint)r * n);
            float* to = y + ((nint)r * n);
            float max = Reduction.Row(ReductionKind.Max, from, n);
            ElementwiseLoop.BinaryScalar(default(SubtractMap), from, max, to, n);
            if (beta != 1f) ElementwiseLoop.BinaryScalar(default(MultiplyMap), to, beta, to, n);
            ElementwiseLoop.Map(default(ExpMap), to, to, n);
            ElementwiseLoop.BinaryScalar(default(DivideMap), to, Reduction.Row(ReductionKind.Sum, to, n), to, n);
        }
    }
}
