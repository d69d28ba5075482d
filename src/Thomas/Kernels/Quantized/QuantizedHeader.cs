using System;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// What stands before the weights of some neighboring outputs: what their sums start with, and how they become results. Rows of 32-bit numbers, one for each
/// output: starts and float32 ratios; or starts, multipliers, left and right shifts.
/// </summary>
internal static unsafe class QuantizedHeader
{
    /// <summary>Rows for a rule.</summary>
    public static int Rows(RequantizationRule rule) => rule == RequantizationRule.Float ? 2 : 4;

    /// <summary>Writes all but the starts, zeros beyond the last output.</summary>
    /// <param name="header">The header.</param>
    /// <param name="width">Numbers of a row.</param>
    /// <param name="first">First output.</param>
    /// <param name="count">Outputs; at most the width.</param>
    /// <param name="requantization">How sums become results.</param>
    public static void Write(int* header, int width, int first, int count, Requantization requantization)
    {
        new Span<int>(header, width * Rows(requantization.Rule)).Clear();
        for (int j = 0; j < count; j++)
        {
            int* column = header + width + j;
            int i = requantization.Ratios.Length == 1 ? 0 : first + j;
            if (requantization.Rule == RequantizationRule.Float)
            {
                *(float*)column = requantization.Ratios[i];
                continue;
            }

            FixedPointFactor factor = requantization.Factors[i];
            column[0] = factor.Multiplier;
            column[width] = Math.Max(factor.Shift, 0) & 31;
            column[2 * width] = Math.Max(-factor.Shift, 0);
        }
    }
}
