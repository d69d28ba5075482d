using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Simd;
using V128 = System.Runtime.Intrinsics.Vector128<float>;
using V256 = System.Runtime.Intrinsics.Vector256<float>;
using V512 = System.Runtime.Intrinsics.Vector512<float>;

namespace Thomas.Kernels.Elementwise;

/// <summary>
/// Loops of element-wise functions over float32 arrays. The destination may be one of the operands. The last, partial vector goes
/// through a buffer and the same vector code, so a result does not depend on where a thread's share ends.
/// </summary>
internal static unsafe class ElementwiseLoop
{
    /// <summary>The name in logs, for example <c>f32_relu6__avx2</c>.</summary>
    public static string KernelName(string function) => $"f32_{function}__{CpuFeatures.TierName}";

    /// <summary>y[i] = map(x[i]) for i in [0, count).</summary>
    public static void Map<TMap>(TMap map, float* x, float* y, nint count)
        where TMap : struct, IUnaryMap
    {
        switch (CpuFeatures.VectorLength)
        {
            case 16: Map<Simd512, V512, TMap>(map, x, y, count); break;
            case 8: Map<Simd256, V256, TMap>(map, x, y, count); break;
            case 4: Map<Simd128, V128, TMap>(map, x, y, count); break;
            default: Map<Simd1, float, TMap>(map, x, y, count); break;
        }
    }

    /// <summary>x[r, c] = map(x[r, c]) for a block of rows, <paramref name="stride"/> floats apart.</summary>
    public static void MapRows<TMap>(TMap map, float* x, nint stride, int rows, int columns)
        where TMap : struct, IUnaryMap
    {
        switch (CpuFeatures.VectorLength)
        {
            case 16: MapRows<Simd512, V512, TMap>(map, x, stride, rows, columns); break;
            case 8: MapRows<Simd256, V256, TMap>(map, x, stride, rows, columns); break;
            case 4: MapRows<Simd128, V128, TMap>(map, x, stride, rows, columns); break;
            default: MapRows<Simd1, float, TMap>(map, x, stride, rows, columns); break;
        }
    }

    /// <summary>z[i] = map(x[i], y[i]) for i in [0, count).</summary>
    public static void Binary<TMap>(TMap map, float* x, float* y, float* z, nint count)
        where TMap : struct, IBinaryMap
    {
        switch (CpuFeatures.VectorLength)
        {
            case 16: Binary<Simd512, V512, TMap>(map, x, y, z, count); break;
            case 8: Binary<Simd256, V256, TMap>(map, x, y, z, count); break;
            case 4: Binary<Simd128, V128, TMap>(map, x, y, z, count); break;
            default: Binary<Simd1, float, TMap>(map, x, y, z, count); break;
        }
    }

    /// <summary>z[r, c] = map(x[r, c], y[r, c]) for a block of rows, <paramref name="stride"/> floats apart.</summary>
    public static void BinaryRows<TMap>(TMap map, float* x, float* y, float* z, nint stride, int rows, int columns)
        where TMap : struct, IBinaryMap
    {
        for (int r = 0; r < rows; r++, x += stride, y += stride, z += stride)
            Binary(map, x, y, z, columns);
    }

    /// <summary>y[i] = map(x[i], scalar) for i in [0, count). For map(scalar, x) wrap the map in <see cref="SwappedMap{TMap}"/>.</summary>
    public static void BinaryScalar<TMap>(TMap map, float* x, float scalar, float* y, nint count)
        where TMap : struct, IBinaryMap
        => Map(new BoundMap<TMap>(map, scalar), x, y, count);

    /// <summary>
    /// z[r, c] = map(x[r, c], row[c]): a per-channel operand over NHWC data, or a squeeze-and-excite scale when called once per image.
    /// For map(row, x) wrap the map in <see cref="SwappedMap{TMap}"/>.
    /// </summary>
    public static void BinaryRow<TMap>(TMap map, float* x, float* row, float* z, nint rows, int columns)
        where TMap : struct, IBinaryMap
    {
        for (nint r = 0; r < rows; r++)
            Binary(map, x + (r * columns), row, z + (r * columns), columns);
    }

    /// <summary>z[r, c] = map(x[r, c], column[r]): one operand value a row. For map(column, x) wrap the map in <see cref="SwappedMap{TMap}"/>.</summary>
    public static void BinaryColumn<TMap>(TMap map, float* x, float* column, float* z, nint rows, int columns)
        where TMap : struct, IBinaryMap
    {
        for (nint r = 0; r < rows; r++)
            BinaryScalar(map, x + (r * columns), column[r], z + (r * columns), columns);
    }

    /// <summary>y[i] = x[i] ^ exponent for i in [0, count): vectors for the exponents 1, 2 and -1, else <see cref="MathF.Pow"/>.</summary>
    public static void Power(float* x, float exponent, float* y, nint count)
    {
        switch (exponent)
        {
            case 1f: Map(default(IdentityMap), x, y, count); break;
            case 2f: Map(default(SquareMap), x, y, count); break;
            case -1f: Map(default(ReciprocalMap), x, y, count); break;
            default:
                for (nint i = 0; i < count; i++)
                    y[i] = MathF.Pow(x[i], exponent);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Map<TSimd, TVec, TMap>(TMap map, float* x, float* y, nint count)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMap : struct, IUnaryMap
    {
        nint i = 0;
        for (; i <= count - (2 * TSimd.Length); i += 2 * TSimd.Length)
        {
            TVec x0 = TSimd.Load(x + i), x1 = TSimd.Load(x + i + TSimd.Length);
            TSimd.Store(map.Invoke<TSimd, TVec>(x0), y + i);
            TSimd.Store(map.Invoke<TSimd, TVec>(x1), y + i + TSimd.Length);
        }

        for (; i <= count - TSimd.Length; i += TSimd.Length)
            TSimd.Store(map.Invoke<TSimd, TVec>(TSimd.Load(x + i)), y + i);
        if (i == count) return;
        float* buffer = stackalloc float[16];
        TSimd.Store(TSimd.Create(0f), buffer);
        Memory.Copy(x + i, buffer, (int)(count - i));
        TSimd.Store(map.Invoke<TSimd, TVec>(TSimd.Load(buffer)), buffer);
        Memory.Copy(buffer, y + i, (int)(count - i));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MapRows<TSimd, TVec, TMap>(TMap map, float* x, nint stride, int rows, int columns)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMap : struct, IUnaryMap
    {
        if (columns % TSimd.Length != 0)
        {
            for (int r = 0; r < rows; r++, x += stride)
                Map<TSimd, TVec, TMap>(map, x, x, columns);
            return;
        }

        for (int r = 0; r < rows; r++, x += stride)
        {
            for (int c = 0; c < columns; c += TSimd.Length)
                TSimd.Store(map.Invoke<TSimd, TVec>(TSimd.Load(x + c)), x + c);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Binary<TSimd, TVec, TMap>(TMap map, float* x, float* y, float* z, nint count)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
        where TMap : struct, IBinaryMap
    {
        nint i = 0;
        for (; i <= count - (2 * TSimd.Length); i += 2 * TSimd.Length)
        {
            TVec z0 = map.Invoke<TSimd, TVec>(TSimd.Load(x + i), TSimd.Load(y + i));
            TVec z1 = map.Invoke<TSimd, TVec>(TSimd.Load(x + i + TSimd.Length), TSimd.Load(y + i + TSimd.Length));
            TSimd.Store(z0, z + i);
            TSimd.Store(z1, z + i + TSimd.Length);
        }

        for (; i <= count - TSimd.Length; i += TSimd.Length)
            TSimd.Store(map.Invoke<TSimd, TVec>(TSimd.Load(x + i), TSimd.Load(y + i)), z + i);
        if (i == count) return;
        float* buffer = stackalloc float[32];
        TSimd.Store(TSimd.Create(1f), buffer);
        TSimd.Store(TSimd.Create(1f), buffer + 16);
        Memory.Copy(x + i, buffer, (int)(count - i));
        Memory.Copy(y + i, buffer + 16, (int)(count - i));
        TSimd.Store(map.Invoke<TSimd, TVec>(TSimd.Load(buffer), TSimd.Load(buffer + 16)), buffer);
        Memory.Copy(buffer, z + i, (int)(count - i));
    }

    /// <summary>A function of two operands with the second one fixed.</summary>
    private readonly struct BoundMap<TMap>(TMap map, float scalar) : IUnaryMap
        where TMap : struct, IBinaryMap
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public TVec Invoke<TSimd, TVec>(TVec x)
            where TSimd : struct, ISimd<TVec>
            where TVec : unmanaged
            => map.Invoke<TSimd, TVec>(x, TSimd.Create(scalar));
    }
}
