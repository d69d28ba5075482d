using System;
using System.Runtime.CompilerServices;
using Thomas.Kernels.Copy;

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
    public static void PackTransposedPanels(float* source, nint stride, int k, int n, float* bias, float* packed, int begin, int end)
    {
        int width = PanelWidth;
        for (int p = begin; p < end; p++)
        {
            float* panel = StartPanel(k, n, bias, packed, p, out int columns);
            Transposition.Run(source + (p * width * stride), stride, columns, k, panel, width);
            for (int i = 0; columns < width && i < k; i++)
                Memory.Fill(panel + ((nint)i * width) + columns, width - columns, 0f);
        }
    }

    /// <summary>The panels [begin, end) of <see cref="Pack"/>, for sharing the work.</summary>
    public static void PackPanels(float* source, nint stride, int k, int n, float* bias, float* packed, int begin, int end)
    {
        int width = PanelWidth;
        for (int p = begin; p < end; p++)
        {
            float* panel = StartPanel(k, n, bias, packed, p, out int columns);
            CopyRows(source + ((nint)p * width), stride, k, panel, columns);
        }
    }

    /// <summary>
    /// The panels [begin, end) of a B that is made of blocks of rows, the first of which starts at the source and the others at equal steps from it in two
    /// levels: block (i, j) at i * stepI + j * stepJ. Serves filters with their taps in another order.
    /// </summary>
    /// <param name="source">First row of block (0, 0).</param>
    /// <param name="blocksI">Blocks of the outer level.</param>
    /// <param name="stepI">Floats from one outer block to the next; may be negative.</param>
    /// <param name="blocksJ">Blocks of the inner level.</param>
    /// <param name="stepJ">Floats from one inner block to the next; may be negative.</param>
    /// <param name="rows">Rows of a block.</param>
    /// <param name="stride">Floats from one row of a block to the next.</param>
    /// <param name="n">Columns of B.</param>
    /// <param name="packed">Receives <see cref="Bytes"/> bytes for k = blocksI * blocksJ * rows.</param>
    /// <param name="begin">First panel.</param>
    /// <param name="end">One past the last panel.</param>
    public static void PackBlockPanels(
        float* source, int blocksI, nint stepI, int blocksJ, nint stepJ, int rows, nint stride, int n, float* packed, int begin, int end)
    {
        int width = PanelWidth;
        for (int p = begin; p < end; p++)
        {
            float* panel = StartPanel(blocksI * blocksJ * rows, n, null, packed, p, out int columns);
            for (int i = 0; i < blocksI; i++)
            {
                for (int j = 0; j < blocksJ; j++, panel += (nint)rows * width)
                    CopyRows(source + (i * stepI) + (j * stepJ) + ((nint)p * width), stride, rows, panel, columns);
            }
        }
    }

    /// <summary>Copies rows of B into a panel and fills them up with zeros.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CopyRows(float* source, nint stride, int rows, float* panel, int columns)
    {
        int width = PanelWidth;
        for (int i = 0; i < rows; i++, source += stride, panel += width)
        {
            Memory.Copy(source, panel, columns);
            Memory.Fill(panel + columns, width - columns, 0f);
        }
    }

    /// <summary>Writes the bias row of panel p and gives the place of its first row of B.</summary>
    private static float* StartPanel(int k, int n, float* bias, float* packed, int p, out int columns)
    {
        int width = PanelWidth;
        float* panel = packed + ((nint)p * width * ((nint)k + 1));
        columns = Math.Min(width, n - (p * width));
        Memory.Fill(panel, width, 0f);
        if (bias != null) Memory.Copy(bias + ((nint)p * width), panel, columns);
        return panel + width;
    }
}
