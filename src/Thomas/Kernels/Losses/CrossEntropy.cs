using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Elementwise;
using Thomas.Kernels.Reduce;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Losses;

/// <summary>Softmax with cross-entropy and its gradient over the rows of float32 matrices. Work items are the rows.</summary>
internal static unsafe class CrossEntropy
{
    /// <summary>
    /// p[r, i] = e^(x[r, i] - max) / sum; losses[r] = -sum over i of targets[r, i] * ln p[r, i], where a target of 0 counts 0 whatever the class's score is.
    /// p is not x.
    /// </summary>
    public static void RunItems(float* x, float* targets, float* p, double* losses, int classes, int begin, int end)
    {
        for (int r = begin; r < end; r++)
        {
            float* scores = x + ((nint)r * classes), target = targets + ((nint)r * classes), to = p + ((nint)r * classes);
            float max = Reduction.Row(ReductionKind.Max, scores, classes);
            ElementwiseLoop.BinaryScalar(default(SubtractMap), scores, max, to, classes);
            ElementwiseLoop.Map(default(ExpMap), to, to, classes);
            float sum = Reduction.Row(ReductionKind.Sum, to, classes);
            ElementwiseLoop.BinaryScalar(default(DivideMap), to, sum, to, classes);
            double logSum = Math.Log(sum) + max, loss = 0;
            for (int i = 0; i < classes; i++)
            {
                if (target[i] != 0) loss -= target[i] * (scores[i] - logSum);
            }

            losses[r] = loss;
        }
    }

    /// <summary>dx[r, i] = f * (p[r, i] * sum over j of targets[r, j] - targets[r, i]) with f = weights[r] * dLoss; zeros where f is 0. dx may be p.</summary>
    public static void RunGradientItems(float* p, float* targets, float* weights, float dLoss, float* dx, int classes, int begin, int end)
    {
        for (int r = begin; r < end; r++)
        {
            float* target = targets + ((nint)r * classes), to = dx + ((nint)r * classes);
            float factor = weights[r] * dLoss;
            if (factor == 0) new Span<float>(to, classes).Clear();
            else
            {
                ElementwiseLoop.Binary(
                    new GradientMap(Reduction.Row(ReductionKind.Sum, target, classes), factor), p + ((nint)r * classes), target, to, classes);
            }
        }
    }

    /// <summary>z = factor * (x * sum - y).</summary>
    private readonly struct GradientMap(float sum, float factor) : IBinaryMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec x, TVec y)
            where TSimd : struct, ISimd<TVec>
            where TVec : unmanaged
            => TSimd.Multiply(TSimd.Create(factor), TSimd.MultiplyAdd(x, TSimd.Create(sum), TSimd.Negate(y)));
    }
}
