using System;
using System.Collections.Generic;

namespace Thomas.Kernels;

/// <summary>
/// A part of the input gradient of a convolution: the pixels (FirstH + StrideH*u, FirstW + StrideW*v) of dx, which for one phase are all reached by the same
/// taps of the filter. Over (u, v) it is a convolution of dy with those taps in reverse order and stride 1, so no product is with an inserted zero and none is
/// done twice. A convolution of stride 1 has one phase. Pixels outside all phases are reached by no tap: their gradient is zero.
/// </summary>
/// <param name="Geometry">The convolution of dy, its output being the phase's pixels of dx.</param>
/// <param name="FirstH">First row of dx.</param>
/// <param name="FirstW">First column of dx.</param>
/// <param name="LastTapH">Filter row of the convolution's first tap row.</param>
/// <param name="LastTapW">Filter column of the convolution's first tap column.</param>
/// <param name="TapStepH">Filter rows from one tap row back to the next.</param>
/// <param name="TapStepW">Filter columns from one tap column back to the next.</param>
internal readonly record struct GradientPhase(
    ConvGeometry Geometry, int FirstH, int FirstW, int LastTapH, int LastTapW, int TapStepH, int TapStepW)
{
    /// <summary>The phases of a convolution, in the order of their first pixels.</summary>
    /// <param name="forward">The convolution.</param>
    /// <param name="channels">Channels of dy that a product reads (one group's).</param>
    /// <param name="channelStride">Floats from one pixel of dy to the next.</param>
    /// <param name="complete">Whether every pixel of dx belongs to a phase.</param>
    public static GradientPhase[] Of(in ConvGeometry forward, int channels, int channelStride, out bool complete)
    {
        List<Axis> rows = Axis.Of(forward.InH, forward.KernelH, forward.StrideH, forward.DilationH, forward.PadTop);
        List<Axis> columns = Axis.Of(forward.InW, forward.KernelW, forward.StrideW, forward.DilationW, forward.PadLeft);
        complete = rows.Count == Math.Min(forward.InH, forward.StrideH) && columns.Count == Math.Min(forward.InW, forward.StrideW);
        GradientPhase[] phases = new GradientPhase[rows.Count * columns.Count];
        int count = 0;
        foreach (Axis row in rows)
        {
            foreach (Axis column in columns)
            {
                ConvGeometry geometry = new(
                    forward.Batch, forward.OutH, forward.OutW, channels, channelStride, row.Length, column.Length, row.Taps, column.Taps,
                    DilationH: row.Dilation, DilationW: column.Dilation, PadTop: row.Pad, PadLeft: column.Pad);
                phases[count++] = new GradientPhase(geometry, row.First, column.First, row.LastTap, column.LastTap, row.TapStep, column.TapStep);
            }
        }

        return phases;
    }

    /// <summary>One axis of a phase.</summary>
    private readonly record struct Axis(int First, int Length, int Taps, int LastTap, int TapStep, int Dilation, int Pad)
    {
        /// <summary>
        /// Tap i connects position h of dx with p = (h + pad - i*dilation) / stride of dy where that is whole. The taps of a position are every
        /// (stride/gcd)-th, so the first of them says which phase it is, and from tap to tap p moves by dilation/gcd.
        /// </summary>
        public static List<Axis> Of(int length, int kernel, int stride, int dilation, int pad)
        {
            int gcd = Gcd(stride, dilation), tapStep = stride / gcd;
            List<Axis> phases = [];
            for (int tap = 0; tap < Math.Min(tapStep, kernel); tap++)
            {
                int first = ((tap * dilation) - pad) % stride;
                if (first < 0) first += stride;
                if (first >= length) continue;
                int taps = ((kernel - 1 - tap) / tapStep) + 1, last = tap + ((taps - 1) * tapStep);
                int start = (first + pad - (last * dilation)) / stride;
                phases.Add(new Axis(first, ((length - 1 - first) / stride) + 1, taps, last, tapStep, dilation / gcd, -start));
            }

            phases.Sort(static (a, b) => a.First.CompareTo(b.First));
            return phases;
        }

        private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
    }
}
