using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Thomas.Kernels.Copy;

/// <summary>Transposes matrices of floats, four rows and columns at a time in registers.</summary>
internal static unsafe class Transposition
{
    /// <summary>Columns of the source that are finished before the next begin, so that the rows of the target stay in the first-level cache.</summary>
    private const int BlockColumns = 64;

    /// <summary>target[j, i] = source[i, j].</summary>
    /// <param name="source">The matrix.</param>
    /// <param name="sourceStride">Floats from one of its rows to the next.</param>
    /// <param name="rows">Rows of the source.</param>
    /// <param name="columns">Columns of the source.</param>
    /// <param name="target">Receives the transposed matrix.</param>
    /// <param name="targetStride">Floats from one row of the target to the next.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* source, nint sourceStride, int rows, int columns, float* target, nint targetStride)
    {
        for (int j0 = 0; j0 < columns; j0 += BlockColumns)
        {
            int j1 = Math.Min(j0 + BlockColumns, columns), i = 0;
            for (; i <= rows - 4; i += 4)
            {
                float* from = source + (i * sourceStride), to = target + i;
                int j = j0;
                for (; j <= j1 - 4; j += 4)
                    Run4x4(from + j, sourceStride, to + (j * targetStride), targetStride);
                for (; j < j1; j++)
                {
                    for (int k = 0; k < 4; k++)
                        to[(j * targetStride) + k] = from[(k * sourceStride) + j];
                }
            }

            for (; i < rows; i++)
            {
                for (int j = j0; j < j1; j++)
                    target[(j * targetStride) + i] = source[(i * sourceStride) + j];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run4x4(float* source, nint sourceStride, float* target, nint targetStride)
    {
        Vector128<float> a = Vector128.Load(source), b = Vector128.Load(source + sourceStride);
        Vector128<float> c = Vector128.Load(source + (2 * sourceStride)), d = Vector128.Load(source + (3 * sourceStride));

        // Pairs of elements of two rows, then pairs of pairs.
        Vector128<double> ab0 = Low(a, b).AsDouble(), ab2 = High(a, b).AsDouble(), cd0 = Low(c, d).AsDouble(), cd2 = High(c, d).AsDouble();
        Low(ab0, cd0).AsSingle().Store(target);
        High(ab0, cd0).AsSingle().Store(target + targetStride);
        Low(ab2, cd2).AsSingle().Store(target + (2 * targetStride));
        High(ab2, cd2).AsSingle().Store(target + (3 * targetStride));
    }

    /// <summary>The lower halves of both, in turns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Low(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackLow(x, y) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y) : Vector128.Create(x[0], y[0], x[1], y[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> Low(Vector128<double> x, Vector128<double> y) =>
        Sse2.IsSupported ? Sse2.UnpackLow(x, y) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(x, y) : Vector128.Create(x[0], y[0]);

    /// <summary>The upper halves of both, in turns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> High(Vector128<float> x, Vector128<float> y) =>
        Sse.IsSupported ? Sse.UnpackHigh(x, y) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y) : Vector128.Create(x[2], y[2], x[3], y[3]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<double> High(Vector128<double> x, Vector128<double> y) =>
        Sse2.IsSupported ? Sse2.UnpackHigh(x, y) : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(x, y) : Vector128.Create(x[1], y[1]);
}
