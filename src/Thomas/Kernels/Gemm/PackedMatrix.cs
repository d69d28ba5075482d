using System;
using System.Runtime.CompilerServices;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Layout of the packed right-hand operand B[k, n], usually the weights. The n columns are cut into panels of
/// <see cref="PanelWidth"/>; a panel holds a row of bias values and then k rows of B, all of the panel's width, missing columns zero.
/// A panel is contiguous, so a product reads it front to back whatever its blocking over k.
/// </summary>
internal static unsafe class PackedMatrix
{
    /// <summary>Columns of a panel: two vectors.</summary>
    public static int PanelWidth => 2 * CpuFeatures.VectorLength;

    /// <summary>Panels for n columns.</summary>
    public static int Panels(int n) => (n + PanelWidth - 1) / PanelWidth;

    /// <summary>Bytes of the packed form, to be 64-byte aligned.</summary>
    public static nuint Bytes(int k, int n) => (nuint)Panels(n) * (nuint)PanelWidth * ((nuint)k + 1) * sizeof(float);

    /// <summary>Packs from rows of length k, one per column of B: OHWI filters and dense weights [outputs, inputs].</summary>
    /// <param name="source">n rows.</param>
    /// <param name="stride">Floats from one row to the next.</param>
    /// <param name="k">Rows of B.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="bias">n values, or null for zeros.</param>
    /// <param name="packed">Receives <see cref="Bytes"/> bytes.</param>
    public static void PackTransposed(float* source, nint stride, int k, int n, float* bias, float* packed)
        => PackTransposedPanels(source, stride, k, n, bias, packed, 0, Panels(n));

    /// <summary>Packs from B as it stands, row-major [k, n]; see <see cref="PackTransposed"/>.</summary>
    public static void Pack(float* source, nint stride, int k, int n, float* bias, float* packed)
        => PackPanels(source, stride, k, n, bias, packed, 0, Panels(n));

    /// <summary>The panels [begin, end) of <see cref="PackTransposed"/>, for sharing the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackTransposedPanels(float* source, nint stride, int k, int n, float* bias, float* packed, int begin, int end)
    {
        int width = PanelWidth;
        for (int p = begin; p < end; p++)
        {
            float* panel = StartPanel(k, n, bias, packed, p, out int columns);
            for (int j = 0; j < columns; j++)
            {
                float* row = source + (((nint)p * width) + j) * stride;
                float* column = panel + j;
                for (int i = 0; i < k; i++, column += width)
                    *column = row[i];
            }

            for (int i = 0; columns < width && i < k; i++)
                Memory.Fill(panel + ((nint)i * width) + columns, width - columns, 0f);
        }
    }

    /// <summary>The panels [begin, end) of <see cref="Pack"/>, for sharing the work.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackPanels(float* source, nint stride, int k, int n, float* bias, float* packed, int begin, int end)
    {
        int width = PanelWidth;
        for (int p = begin; p < end; p++)
        {
            float* panel = StartPanel(k, n, bias, packed, p, out int columns);
            float* row = source + ((nint)p * width);
            for (int i = 0; i < k; i++, row += stride, panel += width)
            {
                Memory.Copy(row, panel, columns);
                Memory.Fill(panel + columns, width - columns, 0f);
            }
        }
    }

    /// <summary>Writes the bias row of panel p and gives the place of its first row of B.</summary>
    private static float* StartPanel(int k, int n, float* bias, float* packed, int p, out int columns)
    {
        int width = PanelWidth;
        float* panel = packed + ((nint)p * width * ((nint)k + 1));
        columns = Math.Min(width, n - (p * width));
        Memory.Fill(panel, width, 0f);
        if (bias != null)
            Memory.Copy(bias + ((nint)p * width), panel, columns);
        return panel + width;
    }
}
