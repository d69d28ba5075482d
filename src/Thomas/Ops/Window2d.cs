using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Elements added around an image: zeros for convolution, nothing for pooling.</summary>
/// <param name="Top">Rows above.</param>
/// <param name="Left">Columns to the left.</param>
/// <param name="Bottom">Rows below.</param>
/// <param name="Right">Columns to the right.</param>
internal readonly record struct Padding2d(int Top, int Left, int Bottom, int Right)
{
    /// <summary>No padding (VALID).</summary>
    public static Padding2d None => default;
}

/// <summary>
/// A sliding window over the H and W axes of an NHWC tensor. Output row y covers input rows y * StrideH - Padding.Top + i * DilationH for i in [0, KernelH);
/// columns likewise.
/// </summary>
/// <param name="KernelH">Window height.</param>
/// <param name="KernelW">Window width.</param>
/// <param name="StrideH">Rows from one window to the next.</param>
/// <param name="StrideW">Columns from one window to the next.</param>
/// <param name="DilationH">Rows from one tap to the next.</param>
/// <param name="DilationW">Columns from one tap to the next.</param>
/// <param name="Padding">Elements added around the input.</param>
internal readonly record struct Window2d(int KernelH, int KernelW, int StrideH, int StrideW, int DilationH, int DilationW, Padding2d Padding)
{
    private const int MaximumSide = 1 << 28;

    /// <summary>A window of stride and dilation 1 without padding.</summary>
    public Window2d(int kernelH, int kernelW)
        : this(kernelH, kernelW, 1, 1, 1, 1, default)
    {
    }

    /// <summary>Rows from the first tap to the last, inclusive.</summary>
    public int ExtentH => ((KernelH - 1) * DilationH) + 1;

    /// <summary>Columns from the first tap to the last, inclusive.</summary>
    public int ExtentW => ((KernelW - 1) * DilationW) + 1;

    /// <summary>Whether the window is one element that visits every input element once.</summary>
    public bool IsPointwise => KernelH == 1 && KernelW == 1 && StrideH == 1 && StrideW == 1 && Padding == default;

    /// <summary>Output rows for so many input rows: floor((h + padding - extent) / stride) + 1.</summary>
    public int OutputH(int h) => OutputSize(h, Padding.Top + Padding.Bottom, ExtentH, StrideH);

    /// <summary>Output columns for so many input columns.</summary>
    public int OutputW(int w) => OutputSize(w, Padding.Left + Padding.Right, ExtentW, StrideW);

    /// <summary>
    /// TensorFlow's SAME padding: the output has ceil(size / stride) rows and columns; the odd element goes below and to the right.
    /// </summary>
    public static Padding2d Same(int h, int w, int extentH, int extentW, int strideH, int strideW)
    {
        int padH = Math.Max(0, (((h + strideH - 1) / strideH) - 1) * strideH + extentH - h);
        int padW = Math.Max(0, (((w + strideW - 1) / strideW) - 1) * strideW + extentW - w);
        return new Padding2d(padH / 2, padW / 2, padH - (padH / 2), padW - (padW / 2));
    }

    /// <summary>The output shape over an NHWC input with so many output channels.</summary>
    /// <exception cref="GraphException">A setting is out of range or the window does not fit the padded input.</exception>
    internal Shape OutputShape(Shape input, int channels)
    {
        if (input.Rank != 4) throw new GraphException($"expects an NHWC input of rank 4, got {input}");
        if (KernelH < 1 || KernelW < 1 || StrideH < 1 || StrideW < 1 || DilationH < 1 || DilationW < 1)
        {
            throw new GraphException($"window {KernelH}x{KernelW}, stride {StrideH}x{StrideW} and dilation {DilationH}x{DilationW} must be positive");
        }

        if (Padding.Top < 0 || Padding.Left < 0 || Padding.Bottom < 0 || Padding.Right < 0)
        {
            throw new GraphException($"padding must not be negative: {Padding}");
        }

        checked
        {
            int extentH = ((KernelH - 1) * DilationH) + 1, extentW = ((KernelW - 1) * DilationW) + 1;
            int h = input[1] + Padding.Top + Padding.Bottom, w = input[2] + Padding.Left + Padding.Right;
            if (extentH > h || extentW > w) throw new GraphException($"the window spans {extentH}x{extentW}, the padded input only {h}x{w}");

            // Kernels count padded rows and steps in 32 bits.
            if (Math.Max(h, w) > MaximumSide || Math.Max(StrideH, StrideW) > MaximumSide || Math.Max(DilationH, DilationW) > MaximumSide
                || (long)w * input[3] > int.MaxValue / 2)
            {
                throw new GraphException($"the padded input of {h}x{w}, stride {StrideH}x{StrideW} or dilation {DilationH}x{DilationW} is too large");
            }
        }

        return new Shape(input[0], OutputH(input[1]), OutputW(input[2]), channels);
    }

    /// <summary>The output position that starts at this place of the padded input, or -1 if none of the so many does.</summary>
    internal static int OutputOf(int start, int stride, int outputs) => start >= 0 && start % stride == 0 && start / stride < outputs ? start / stride : -1;

    /// <summary>The same window for kernels, over so many channels of the input.</summary>
    internal Kernels.ConvGeometry ToGeometry(Shape x, Shape y, int channels) => new(
        x[0], x[1], x[2], channels, x[3], y[1], y[2], KernelH, KernelW, StrideH, StrideW, DilationH, DilationW, Padding.Top, Padding.Left);

    private static int OutputSize(int size, int padding, int extent, int stride) => ((size + padding - extent) / stride) + 1;
}
