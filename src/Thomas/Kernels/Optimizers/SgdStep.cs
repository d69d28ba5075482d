using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Optimizers;

/// <summary>
/// A step of gradient descent: g = scale * grad + coupled * w; v = momentum * v + g; w = kept * w - rate * (nesterov ? g + momentum * v : v).
/// </summary>
/// <param name="Rate">Learning rate.</param>
/// <param name="Scale">Factor on the gradient.</param>
/// <param name="Momentum">Decay of the moment.</param>
/// <param name="Kept">Factor on the parameter: decoupled weight decay.</param>
/// <param name="Coupled">Weight decay that joins the gradient.</param>
/// <param name="Nesterov">Whether the step looks ahead.</param>
internal readonly unsafe record struct SgdStep(float Rate, float Scale, float Momentum, float Kept, float Coupled, bool Nesterov)
{
    /// <summary>Does elements [0, count) of parameter and moment.</summary>
    public void Run(float* w, float* v, float* grad, nint count)
    {
        nint i = 0;
        if (CpuFeatures.VectorLength >= 16) i = Run<Simd512, V512>(w, v, grad, count, i);
        if (CpuFeatures.VectorLength >= 8) i = Run<Simd256, V256>(w, v, grad, count, i);
        if (CpuFeatures.VectorLength >= 4) i = Run<Simd128, V128>(w, v, grad, count, i);
        Run<Simd1, float>(w, v, grad, count, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private nint Run<TSimd, TVec>(float* w, float* v, float* grad, nint count, nint i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        TVec rate = TSimd.Create(-Rate), scale = TSimd.Create(Scale), momentum = TSimd.Create(Momentum), kept = TSimd.Create(Kept),
            coupled = TSimd.Create(Coupled);
        bool nesterov = Nesterov;
        for (; i <= count - TSimd.Length; i += TSimd.Length)
        {
            TVec parameter = TSimd.Load(w + i);
            TVec g = TSimd.MultiplyAdd(scale, TSimd.Load(grad + i), TSimd.Multiply(coupled, parameter));
            TVec moment = TSimd.MultiplyAdd(momentum, TSimd.Load(v + i), g);
            TVec direction = nesterov ? TSimd.MultiplyAdd(momentum, moment, g) : moment;
            TSimd.Store(moment, v + i);
            TSimd.Store(TSimd.MultiplyAdd(rate, direction, TSimd.Multiply(kept, parameter)), w + i);
        }

        return i;
    }
}
