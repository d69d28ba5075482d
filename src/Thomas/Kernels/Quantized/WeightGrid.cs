using System;
using System.Numerics;

namespace Thomas.Kernels.Quantized;

/// <summary>
/// The grid of weights that move: its scales grow where a weight would leave the range, and are never smaller than those at the start. So it has no state, and
/// nothing is clipped by more than the half step that rounding takes.
/// </summary>
/// <param name="Minimum">The smallest step.</param>
/// <param name="Maximum">The largest step.</param>
internal readonly record struct WeightGrid(int Minimum, int Maximum)
{
    /// <summary>max(start, what the largest and the smallest weight need to be rounded to steps of the range).</summary>
    /// <param name="start">The scale at the start.</param>
    /// <param name="zero">The step that stands for zero.</param>
    /// <param name="least">The smallest weight of the channel.</param>
    /// <param name="most">The largest weight of the channel.</param>
    public float Scale(float start, int zero, float least, float most)
    {
        float above = most / (Maximum - zero + 0.5f), below = -least / (zero - Minimum + 0.5f);
        float needed = above > below ? above : below;
        return needed > start ? needed : start;
    }

    /// <summary>The step of a weight, halves to even; the zero point's for NaN.</summary>
    public int Step(float weight, float scale, int zero)
    {
        float steps = weight / scale;
        return float.IsNaN(steps) ? zero : (int)MathF.Round(Math.Clamp(steps, Minimum - zero, Maximum - zero), MidpointRounding.ToEven) + zero;
    }

    /// <summary>The smallest and the largest number of a run, without NaN.</summary>
    public static unsafe (float Least, float Most) Range(float* x, nint count, float least, float most)
    {
        nint i = 0;
        if (count >= 2 * Vector<float>.Count)
        {
            Vector<float> low = new(least), high = new(most);
            for (; i <= count - Vector<float>.Count; i += Vector<float>.Count)
            {
                Vector<float> next = Vector.Load(x + i);
                low = Vector.ConditionalSelect(Vector.LessThan(next, low), next, low);
                high = Vector.ConditionalSelect(Vector.GreaterThan(next, high), next, high);
            }

            for (int k = 0; k < Vector<float>.Count; k++)
            {
                least = low[k] < least ? low[k] : least;
                most = high[k] > most ? high[k] : most;
            }
        }

        for (; i < count; i++)
        {
            least = x[i] < least ? x[i] : least;
            most = x[i] > most ? x[i] : most;
        }

        return (least, most);
    }
}
