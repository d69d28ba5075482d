using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using Thomas.Kernels.Simd;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// The register tile of <see cref="GemmTile"/> for Arm64: 8 rows of two vectors with multiply-add by element. A row-major A is read in place, four
/// steps of k at a time. Of a transposed A, the rows of one step are two vectors.
/// </summary>
/// <remarks>
/// Four steps take 64 multiply-adds, 8 loads of A and 8 of B; 16 sums, 8 vectors of A and 2 of B fit the 32 registers. An 8x12 tile has fewer loads (5 for 24
/// multiply-adds instead of 6), but in place it would need 24 + 8 + 3 registers, so A would have to be packed, and its panels of 12 columns waste a quarter of
/// the last one in layers of 16, 32 or 64 channels. Loads do not bound the 8x8 tile on cores with two loads for two multiply-adds a cycle; instructions may on
/// the widest, hence the offsets in bytes that are computed once: each load is one instruction. <c>.ci/arm64-loops</c> counts them.
/// </remarks>
internal static unsafe class GemmTileNeon
{
    /// <summary>Computes tiles of TRows rows (at most 8) and TVectors vectors (1 or 2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run<TRows, TVectors>(GemmTileArgs* t, GemmTileSteps* steps)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        Vector128<float> c0, d0, c1, d1, c2, d2, c3, d3, c4, d4, c5, d5, c6, d6, c7, d7;
        nint row1 = t->StrideA * sizeof(float), row2 = 2 * row1, row3 = 3 * row1, row4 = 4 * row1, row5 = 5 * row1, row6 = 6 * row1, row7 = 7 * row1;
        nint step1 = t->StrideB * sizeof(float), step2 = 2 * step1, step3 = 3 * step1, step4 = 4 * step1;
        nint high1 = step1 + sizeof(Vector128<float>), high2 = step2 + sizeof(Vector128<float>), high3 = step3 + sizeof(Vector128<float>);
        float* firstA = t->A, firstB = t->B, bias = t->Bias, target = t->C, residual = t->Residual;
        for (int tiles = steps->Count; ; tiles--)
        {
            float* b = firstB;
            float* a = firstA;
            if (bias != null)
            {
                Vector128<float> bias0 = Vector128.Load(bias), bias1 = TVectors.Value > 1 ? Vector128.Load(bias + 4) : bias0;
                c0 = c1 = c2 = c3 = c4 = c5 = c6 = c7 = bias0;
                d0 = d1 = d2 = d3 = d4 = d5 = d6 = d7 = bias1;
            }
            else
            {
                LoadRow<TRows, TVectors>(0, target, t->StrideC, out c0, out d0);
                LoadRow<TRows, TVectors>(1, target, t->StrideC, out c1, out d1);
                LoadRow<TRows, TVectors>(2, target, t->StrideC, out c2, out d2);
                LoadRow<TRows, TVectors>(3, target, t->StrideC, out c3, out d3);
                LoadRow<TRows, TVectors>(4, target, t->StrideC, out c4, out d4);
                LoadRow<TRows, TVectors>(5, target, t->StrideC, out c5, out d5);
                LoadRow<TRows, TVectors>(6, target, t->StrideC, out c6, out d6);
                LoadRow<TRows, TVectors>(7, target, t->StrideC, out c7, out d7);
            }

            int segments = t->Segments;
            while (true)
            {
                int k = t->K;
                if (t->StepA != 1)
                {
                    for (; k > 0; k--)
                    {
                        Vector128<float> x0 = LoadFew(a, TRows.Value);
                        Vector128<float> x1 = TRows.Value > 4 ? LoadFew(a + 4, TRows.Value - 4) : x0;
                        Vector128<float> b0 = Vector128.Load(b);
                        Vector128<float> b1 = TVectors.Value > 1 ? Vector128.Load(b + 4) : b0;
                        Step<TRows, TVectors>(0, x0, 0, b0, b1, ref c0, ref d0);
                        Step<TRows, TVectors>(1, x0, 1, b0, b1, ref c1, ref d1);
                        Step<TRows, TVectors>(2, x0, 2, b0, b1, ref c2, ref d2);
                        Step<TRows, TVectors>(3, x0, 3, b0, b1, ref c3, ref d3);
                        Step<TRows, TVectors>(4, x1, 0, b0, b1, ref c4, ref d4);
                        Step<TRows, TVectors>(5, x1, 1, b0, b1, ref c5, ref d5);
                        Step<TRows, TVectors>(6, x1, 2, b0, b1, ref c6, ref d6);
                        Step<TRows, TVectors>(7, x1, 3, b0, b1, ref c7, ref d7);
                        a += t->StepA;
                        b = At(b, step1);
                    }
                }

                for (; k >= 4; k -= 4)
                {
                    Vector128<float> x0 = TRows.Value > 0 ? Vector128.Load(a) : default;
                    Vector128<float> x1 = TRows.Value > 1 ? Vector128.Load(At(a, row1)) : default;
                    Vector128<float> x2 = TRows.Value > 2 ? Vector128.Load(At(a, row2)) : default;
                    Vector128<float> x3 = TRows.Value > 3 ? Vector128.Load(At(a, row3)) : default;
                    Vector128<float> x4 = TRows.Value > 4 ? Vector128.Load(At(a, row4)) : default;
                    Vector128<float> x5 = TRows.Value > 5 ? Vector128.Load(At(a, row5)) : default;
                    Vector128<float> x6 = TRows.Value > 6 ? Vector128.Load(At(a, row6)) : default;
                    Vector128<float> x7 = TRows.Value > 7 ? Vector128.Load(At(a, row7)) : default;
                    Vector128<float> b0 = Vector128.Load(b);
                    Vector128<float> b1 = TVectors.Value > 1 ? Vector128.Load(b + 4) : b0;
                    Step<TRows, TVectors>(0, x0, 0, b0, b1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 0, b0, b1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 0, b0, b1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 0, b0, b1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 0, b0, b1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 0, b0, b1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 0, b0, b1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 0, b0, b1, ref c7, ref d7);
                    b0 = Vector128.Load(At(b, step1));
                    b1 = TVectors.Value > 1 ? Vector128.Load(At(b, high1)) : b0;
                    Step<TRows, TVectors>(0, x0, 1, b0, b1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 1, b0, b1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 1, b0, b1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 1, b0, b1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 1, b0, b1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 1, b0, b1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 1, b0, b1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 1, b0, b1, ref c7, ref d7);
                    b0 = Vector128.Load(At(b, step2));
                    b1 = TVectors.Value > 1 ? Vector128.Load(At(b, high2)) : b0;
                    Step<TRows, TVectors>(0, x0, 2, b0, b1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 2, b0, b1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 2, b0, b1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 2, b0, b1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 2, b0, b1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 2, b0, b1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 2, b0, b1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 2, b0, b1, ref c7, ref d7);
                    b0 = Vector128.Load(At(b, step3));
                    b1 = TVectors.Value > 1 ? Vector128.Load(At(b, high3)) : b0;
                    Step<TRows, TVectors>(0, x0, 3, b0, b1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, x1, 3, b0, b1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, x2, 3, b0, b1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, x3, 3, b0, b1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, x4, 3, b0, b1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, x5, 3, b0, b1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, x6, 3, b0, b1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, x7, 3, b0, b1, ref c7, ref d7);
                    a += 4;
                    b = At(b, step4);
                }

                for (; k > 0; k--)
                {
                    Vector128<float> b0 = Vector128.Load(b);
                    Vector128<float> b1 = TVectors.Value > 1 ? Vector128.Load(b + 4) : b0;
                    Step<TRows, TVectors>(0, TRows.Value > 0 ? Vector128.CreateScalarUnsafe(*a) : default, 0, b0, b1, ref c0, ref d0);
                    Step<TRows, TVectors>(1, TRows.Value > 1 ? Vector128.CreateScalarUnsafe(*At(a, row1)) : default, 0, b0, b1, ref c1, ref d1);
                    Step<TRows, TVectors>(2, TRows.Value > 2 ? Vector128.CreateScalarUnsafe(*At(a, row2)) : default, 0, b0, b1, ref c2, ref d2);
                    Step<TRows, TVectors>(3, TRows.Value > 3 ? Vector128.CreateScalarUnsafe(*At(a, row3)) : default, 0, b0, b1, ref c3, ref d3);
                    Step<TRows, TVectors>(4, TRows.Value > 4 ? Vector128.CreateScalarUnsafe(*At(a, row4)) : default, 0, b0, b1, ref c4, ref d4);
                    Step<TRows, TVectors>(5, TRows.Value > 5 ? Vector128.CreateScalarUnsafe(*At(a, row5)) : default, 0, b0, b1, ref c5, ref d5);
                    Step<TRows, TVectors>(6, TRows.Value > 6 ? Vector128.CreateScalarUnsafe(*At(a, row6)) : default, 0, b0, b1, ref c6, ref d6);
                    Step<TRows, TVectors>(7, TRows.Value > 7 ? Vector128.CreateScalarUnsafe(*At(a, row7)) : default, 0, b0, b1, ref c7, ref d7);
                    a++;
                    b = At(b, step1);
                }

                if (--segments <= 0) break;
                a += t->JumpA;
                b += t->JumpB;
            }

            if (residual != null)
            {
                AddRow<TRows, TVectors>(0, residual, t->StrideResidual, ref c0, ref d0);
                AddRow<TRows, TVectors>(1, residual, t->StrideResidual, ref c1, ref d1);
                AddRow<TRows, TVectors>(2, residual, t->StrideResidual, ref c2, ref d2);
                AddRow<TRows, TVectors>(3, residual, t->StrideResidual, ref c3, ref d3);
                AddRow<TRows, TVectors>(4, residual, t->StrideResidual, ref c4, ref d4);
                AddRow<TRows, TVectors>(5, residual, t->StrideResidual, ref c5, ref d5);
                AddRow<TRows, TVectors>(6, residual, t->StrideResidual, ref c6, ref d6);
                AddRow<TRows, TVectors>(7, residual, t->StrideResidual, ref c7, ref d7);
                residual += steps->Residual;
            }

            Vector128<float> lower = Vector128.Create(t->Lower), upper = Vector128.Create(t->Upper);
            StoreRow<TRows, TVectors>(0, target, t->StrideC, lower, upper, c0, d0);
            StoreRow<TRows, TVectors>(1, target, t->StrideC, lower, upper, c1, d1);
            StoreRow<TRows, TVectors>(2, target, t->StrideC, lower, upper, c2, d2);
            StoreRow<TRows, TVectors>(3, target, t->StrideC, lower, upper, c3, d3);
            StoreRow<TRows, TVectors>(4, target, t->StrideC, lower, upper, c4, d4);
            StoreRow<TRows, TVectors>(5, target, t->StrideC, lower, upper, c5, d5);
            StoreRow<TRows, TVectors>(6, target, t->StrideC, lower, upper, c6, d6);
            StoreRow<TRows, TVectors>(7, target, t->StrideC, lower, upper, c7, d7);
            if (tiles <= 1) return;
            firstA += steps->A;
            firstB += steps->B;
            target += steps->C;
            if (bias != null) bias += steps->B;
        }
    }

    /// <summary>Up to four rows of one step of a transposed A; reads no more than these.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> LoadFew(float* a, int rows) => rows switch
    {
        1 => Vector128.CreateScalar(*a),
        2 => Vector128.Create(Vector64.Load(a), Vector64<float>.Zero),
        3 => Vector128.Create(Vector64.Load(a), Vector64.CreateScalar(a[2])),
        _ => Vector128.Load(a),
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* At(float* start, nint bytes) => (float*)((byte*)start + bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Step<TRows, TVectors>(
        int row, Vector128<float> x, [ConstantExpected(Max = (byte)3)] byte lane, Vector128<float> b0, Vector128<float> b1, ref Vector128<float> c,
        ref Vector128<float> d)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        c = AdvSimd.Arm64.FusedMultiplyAddBySelectedScalar(c, b0, x, lane);
        if (TVectors.Value > 1) d = AdvSimd.Arm64.FusedMultiplyAddBySelectedScalar(d, b1, x, lane);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadRow<TRows, TVectors>(int row, float* source, nint stride, out Vector128<float> c, out Vector128<float> d)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        c = d = default;
        if (row >= TRows.Value) return;
        c = Vector128.Load(source + (row * stride));
        if (TVectors.Value > 1) d = Vector128.Load(source + (row * stride) + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow<TRows, TVectors>(int row, float* source, nint stride, ref Vector128<float> c, ref Vector128<float> d)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        c += Vector128.Load(source + (row * stride));
        if (TVectors.Value > 1) d += Vector128.Load(source + (row * stride) + 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TRows, TVectors>(
        int row, float* target, nint stride, Vector128<float> lower, Vector128<float> upper, Vector128<float> c, Vector128<float> d)
        where TRows : struct, IConstant
        where TVectors : struct, IConstant
    {
        if (row >= TRows.Value) return;
        Simd128.Store(Simd128.AtMost(upper, Simd128.AtLeast(lower, c)), target + (row * stride));
        if (TVectors.Value > 1) Simd128.Store(Simd128.AtMost(upper, Simd128.AtLeast(lower, d)), target + (row * stride) + 4);
    }
}
