using System;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>What max and average pooling and their gradients share.</summary>
internal static class PoolingRules
{
    /// <summary>The value of a window: input elements, the offsets of the taps inside the input, and how many taps the padded input has.</summary>
    internal delegate T WindowFunction<T>(ReadOnlySpan<T> input, ReadOnlySpan<int> taps, int tapsWithPadding);

    /// <summary>Sees a window: the offset of its result, the offsets of the taps inside the input, and how many taps the padded input has.</summary>
    internal delegate void WindowVisitor(int index, ReadOnlySpan<int> taps, int tapsWithPadding);

    /// <summary>Refuses padding that would let a window lie wholly outside the input.</summary>
    internal static void Check(Window2d window)
    {
        Padding2d padding = window.Padding;
        if (padding.Top >= window.ExtentH || padding.Bottom >= window.ExtentH || padding.Left >= window.ExtentW || padding.Right >= window.ExtentW)
        {
            throw new GraphException($"padding {padding} must be smaller than the window's {window.ExtentH}x{window.ExtentW}");
        }
    }

    /// <summary>Computes the windows in output order.</summary>
    internal static void ForEachWindow<T>(ReferenceArgs<T> args, Window2d window, WindowFunction<T> function)
        where T : unmanaged =>
        ForEachWindow(
            args.Inputs[0].Shape,
            args.Output.Shape,
            window,
            (index, taps, tapsWithPadding) => args.Output.Span[index] = function(args.Inputs[0].Span, taps, tapsWithPadding));

    /// <summary>Visits the windows over x in the order of y.</summary>
    internal static void ForEachWindow(Shape x, Shape y, Window2d window, WindowVisitor visit)
    {
        int[] taps = new int[window.KernelH * window.KernelW];
        int index = 0;
        for (int n = 0; n < y[0]; n++)
            for (int p = 0; p < y[1]; p++)
                for (int q = 0; q < y[2]; q++)
                    for (int c = 0; c < y[3]; c++, index++)
                    {
                        int count = 0, withPadding = 0;
                        for (int i = 0; i < window.KernelH; i++)
                            for (int j = 0; j < window.KernelW; j++)
                            {
                                int row = (p * window.StrideH) - window.Padding.Top + (i * window.DilationH);
                                int column = (q * window.StrideW) - window.Padding.Left + (j * window.DilationW);
                                if (row < x[1] + window.Padding.Bottom && column < x[2] + window.Padding.Right) withPadding++;
                                if ((uint)row < (uint)x[1] && (uint)column < (uint)x[2]) taps[count++] = (((((n * x[1]) + row) * x[2]) + column) * x[3]) + c;
                            }

                        visit(index, taps.AsSpan(0, count), withPadding);
                    }
    }
}
