using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Optimizers;

/// <summary>
/// A step of Adam: g = scale * grad + coupled * w; m = beta1 * m + (1 - beta1) * g; v = beta2 * v + (1 - beta2) * g^2; w = kept * w - step * m / (root *
/// sqrt(v) + epsilon).
/// </summary>
/// <param name="Step">Learning rate with the first moment's bias correction.</param>
/// <param name="Scale">Factor on the gradient.</param>
/// <param name="Root">Bias correction of the second moment's root.</param>
/// <param name="Beta1">Decay of the first moment.</param>
/// <param name="Beta2">Decay of the second moment.</param>
/// <param name="Epsilon">Added to the root.</param>
/// <param name="Kept">Factor on the parameter: decoupled weight decay.</param>
/// <param name="Coupled">Weight decay that joins the gradient.</param>
internal readonly unsafe record struct AdamStep(float Step, float Scale, float Root, float Beta1, float Beta2, float Epsilon, float Kept, float Coupled)
{
    /// <summary>Does elements [0, count) of parameter and moments.</summary>
    public void Run(float* w, float* m, float* v, float* grad, nint count)
    {
        nint i = 0;
        if (CpuFeatures.VectorLength >= 16) i = Run<Simd512, V512>(w, m, v, grad, count, i);
        if (CpuFeatures.VectorLength >= 8) i = Run<Simd256, V256>(w, m, v, grad, count, i);
        if (CpuFeatures.VectorLength >= 4) i = Run<Simd128, V128>(w, m, v, grad, count, i);
        Run<Simd1, float>(w, m, v, grad, count, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private nint Run<TSimd, TVec>(float* w, float* m, float* v, float* grad, nint count, nint i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec step = TSimd.Create(-Step), scale = TSimd.Create(Scale), root = TSimd.Create(Root), epsilon = TSimd.Create(Epsilon);
        TVec beta1 = TSimd.Create(Beta1), gain1 = TSimd.Create(1 - Beta1), beta2 = TSimd.Create(Beta2), gain2 = TSimd.Create(1 - Beta2);
        TVec kept = TSimd.Create(Kept), coupled = TSimd.Create(Coupled);
        for (; i <= count - TSimd.Length; i += TSimd.Length)
        {
            TVec parameter = TSimd.Load(w + i);
            TVec g = TSimd.MultiplyAdd(scale, TSimd.Load(grad + i), TSimd.Multiply(coupled, parameter));
            TVec first = TSimd.MultiplyAdd(gain1, g, TSimd.Multiply(beta1, TSimd.Load(m + i)));
            TVec second = TSimd.MultiplyAdd(TSimd.Multiply(gain2, g), g, TSimd.Multiply(beta2, TSimd.Load(v + i)));
            TVec change = TSimd.Divide(TSimd.Multiply(step, first), TSimd.MultiplyAdd(TSimd.Sqrt(second), root, epsilon));
            TSimd.Store(first, m + i);
            TSimd.Store(second, v + i);
            TSimd.Store(TSimd.MultiplyAdd(kept, parameter, change), w + i);
        }

        return i;
    }
}
