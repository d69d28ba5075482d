using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Thomas.Training;

/// <summary>
/// The two matrix products of a linear head, on one thread. Every output is one chain of multiply-adds in a fixed order, so its bits depend
/// neither on its place in the batch nor on the number of rows and classes around it.
/// </summary>
/// <remarks>
/// Register tiles of eight and twelve accumulators hide the latency of the multiply-add; a pair of weight rows stays in L1 while the batch (32 x 1280 floats,
/// 160 KiB) streams from L2. The loops are compiled with optimization at once: a head of a few hundred images is trained before tiering would
/// have noticed them. Products are fused where the processor fuses, so two kinds of processor may differ in the last bit.
/// </remarks>
internal static class HeadMath
{
    /// <summary><c>logits[n,c] = sum_k x[n,k] * weights[c,k] + bias[c]</c>; all row-major, none overlapping.</summary>
    public static void Logits(ReadOnlySpan<float> x, ReadOnlySpan<float> weights, ReadOnlySpan<float> bias, Span<float> logits, int rows)
    {
        int classes = bias.Length, k = weights.Length / classes;
        Require(x.Length >= (long)rows * k && weights.Length == (long)classes * k && logits.Length >= (long)rows * classes);
        int c = 0;
        for (; c <= classes - 2; c += 2)
        {
            int n = 0;
            for (; n <= rows - 4; n += 4) Dot4x2(x.Slice(n * k, 4 * k), weights.Slice(c * k, 2 * k), bias.Slice(c, 2), logits[((n * classes) + c)..], k, classes);
            for (; n < rows; n++)
            {
                ReadOnlySpan<float> row = x.Slice(n * k, k);
                logits[(n * classes) + c] = Dot(row, weights.Slice(c * k, k)) + bias[c];
                logits[(n * classes) + c + 1] = Dot(row, weights.Slice((c + 1) * k, k)) + bias[c + 1];
            }
        }

        if (c == classes) return;
        for (int n = 0; n < rows; n++) logits[(n * classes) + c] = Dot(x.Slice(n * k, k), weights.Slice(c * k, k)) + bias[c];
    }

    /// <summary>
    /// <c>gradWeights[c - first,k] = sum_n gradLogits[n,c] * x[n,k]</c> for <paramref name="count"/> classes c from
    /// <paramref name="first"/> on; gradLogits has <paramref name="classes"/> columns.
    /// </summary>
    public static void WeightGradient(
        ReadOnlySpan<float> gradLogits, ReadOnlySpan<float> x, Span<float> gradWeights, int rows, int classes, int first, int count)
    {
        int k = gradWeights.Length / count;
        Require(first + count <= classes && x.Length >= (long)rows * k && gradWeights.Length == (long)count * k && gradLogits.Length >= (long)rows * classes);
        int c = 0;
        for (; c <= count - 4; c += 4) Accumulate4(gradLogits[(first + c)..], x, gradWeights.Slice(c * k, 4 * k), rows, classes, k);
        for (; c < count; c++) Accumulate1(gradLogits[(first + c)..], x, gradWeights.Slice(c * k, k), rows, classes, k);
    }

    /// <summary><c>sum_k a[k] * b[k]</c> in the order that <see cref="Logits"/> uses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Require(a.Length == b.Length);
        ref float pa = ref MemoryMarshal.GetReference(a);
        ref float pb = ref MemoryMarshal.GetReference(b);
        Vector<float> sum = Vector<float>.Zero;
        int i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
            sum = Vector.MultiplyAddEstimate(Vector.LoadUnsafe(ref pa, (nuint)i), Vector.LoadUnsafe(ref pb, (nuint)i), sum);
        float total = Vector.Sum(sum);
        for (; i < a.Length; i++) total += a[i] * b[i];
        return total;
    }

    /// <summary><c>target[i] += values[i]</c>; equally long.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void AddTo(Span<float> target, ReadOnlySpan<float> values)
    {
        Require(target.Length == values.Length);
        int i = 0;
        for (; i <= target.Length - Vector<float>.Count; i += Vector<float>.Count) (new Vector<float>(target[i..]) + new Vector<float>(values[i..])).CopyTo(target[i..]);
        for (; i < target.Length; i++) target[i] += values[i];
    }

    /// <summary>Whether all are numbers: 0 * x is NaN for infinities and NaN, so one sum finds any of them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool AllFinite(ReadOnlySpan<float> values)
    {
        Vector<float> sums = default;
        int i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count) sums += new Vector<float>(values[i..]) * Vector<float>.Zero;
        float sum = Vector.Sum(sums);
        for (; i < values.Length; i++) sum += 0 * values[i];
        return sum == 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Dot4x2(ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> bias, Span<float> logits, int k, int stride)
    {
        ref float px = ref MemoryMarshal.GetReference(x);
        ref float pw = ref MemoryMarshal.GetReference(w);
        nuint row = (nuint)k;
        Vector<float> s00 = default, s01 = default, s10 = default, s11 = default, s20 = default, s21 = default, s30 = default, s31 = default;
        int i = 0;
        for (; i <= k - Vector<float>.Count; i += Vector<float>.Count)
        {
            nuint at = (nuint)i;
            Vector<float> w0 = Vector.LoadUnsafe(ref pw, at), w1 = Vector.LoadUnsafe(ref pw, row + at), v = Vector.LoadUnsafe(ref px, at);
            s00 = Vector.MultiplyAddEstimate(v, w0, s00);
            s01 = Vector.MultiplyAddEstimate(v, w1, s01);
            v = Vector.LoadUnsafe(ref px, row + at);
            s10 = Vector.MultiplyAddEstimate(v, w0, s10);
            s11 = Vector.MultiplyAddEstimate(v, w1, s11);
            v = Vector.LoadUnsafe(ref px, (2 * row) + at);
            s20 = Vector.MultiplyAddEstimate(v, w0, s20);
            s21 = Vector.MultiplyAddEstimate(v, w1, s21);
            v = Vector.LoadUnsafe(ref px, (3 * row) + at);
            s30 = Vector.MultiplyAddEstimate(v, w0, s30);
            s31 = Vector.MultiplyAddEstimate(v, w1, s31);
        }

        logits[0] = Finish(s00, x, w, i, k) + bias[0];
        logits[1] = Finish(s01, x, w[k..], i, k) + bias[1];
        logits[stride] = Finish(s10, x[k..], w, i, k) + bias[0];
        logits[stride + 1] = Finish(s11, x[k..], w[k..], i, k) + bias[1];
        logits[2 * stride] = Finish(s20, x[(2 * k)..], w, i, k) + bias[0];
        logits[(2 * stride) + 1] = Finish(s21, x[(2 * k)..], w[k..], i, k) + bias[1];
        logits[3 * stride] = Finish(s30, x[(3 * k)..], w, i, k) + bias[0];
        logits[(3 * stride) + 1] = Finish(s31, x[(3 * k)..], w[k..], i, k) + bias[1];
    }

    private static float Finish(Vector<float> sum, ReadOnlySpan<float> x, ReadOnlySpan<float> w, int from, int k)
    {
        float total = Vector.Sum(sum);
        for (int i = from; i < k; i++) total += x[i] * w[i];
        return total;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate4(ReadOnlySpan<float> dy, ReadOnlySpan<float> x, Span<float> dw, int rows, int stride, int k)
    {
        Require(dy.Length >= ((rows - 1) * stride) + 4);
        ref float pg = ref MemoryMarshal.GetReference(dy);
        ref float px = ref MemoryMarshal.GetReference(x);
        ref float pw = ref MemoryMarshal.GetReference(dw);
        int width = Vector<float>.Count, i = 0;
        nuint second = (nuint)width, third = 2 * (nuint)width, row = (nuint)k, next = (nuint)stride;
        for (; i <= k - (3 * width); i += 3 * width)
        {
            Vector<float> a0 = default, a1 = default, a2 = default, b0 = default, b1 = default, b2 = default;
            Vector<float> c0 = default, c1 = default, c2 = default, d0 = default, d1 = default, d2 = default;
            nuint at = (nuint)i, g = 0;
            for (int n = 0; n < rows; n++, at += row, g += next)
            {
                Vector<float> x0 = Vector.LoadUnsafe(ref px, at), x1 = Vector.LoadUnsafe(ref px, at + second), x2 = Vector.LoadUnsafe(ref px, at + third);
                Vector<float> v = new(Unsafe.Add(ref pg, g));
                a0 = Vector.MultiplyAddEstimate(v, x0, a0);
                a1 = Vector.MultiplyAddEstimate(v, x1, a1);
                a2 = Vector.MultiplyAddEstimate(v, x2, a2);
                v = new Vector<float>(Unsafe.Add(ref pg, g + 1));
                b0 = Vector.MultiplyAddEstimate(v, x0, b0);
                b1 = Vector.MultiplyAddEstimate(v, x1, b1);
                b2 = Vector.MultiplyAddEstimate(v, x2, b2);
                v = new Vector<float>(Unsafe.Add(ref pg, g + 2));
                c0 = Vector.MultiplyAddEstimate(v, x0, c0);
                c1 = Vector.MultiplyAddEstimate(v, x1, c1);
                c2 = Vector.MultiplyAddEstimate(v, x2, c2);
                v = new Vector<float>(Unsafe.Add(ref pg, g + 3));
                d0 = Vector.MultiplyAddEstimate(v, x0, d0);
                d1 = Vector.MultiplyAddEstimate(v, x1, d1);
                d2 = Vector.MultiplyAddEstimate(v, x2, d2);
            }

            nuint to = (nuint)i;
            Store(ref pw, to, second, third, a0, a1, a2);
            Store(ref pw, to + row, second, third, b0, b1, b2);
            Store(ref pw, to + (2 * row), second, third, c0, c1, c2);
            Store(ref pw, to + (3 * row), second, third, d0, d1, d2);
        }

        for (int c = 0; c < 4; c++) AccumulateTail(dy[c..], x, dw.Slice(c * k, k), rows, stride, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ref float target, nuint to, nuint second, nuint third, Vector<float> v0, Vector<float> v1, Vector<float> v2)
    {
        v0.StoreUnsafe(ref target, to);
        v1.StoreUnsafe(ref target, to + second);
        v2.StoreUnsafe(ref target, to + third);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Accumulate1(ReadOnlySpan<float> dy, ReadOnlySpan<float> x, Span<float> dw, int rows, int stride, int k)
    {
        ref float px = ref MemoryMarshal.GetReference(x);
        ref float pw = ref MemoryMarshal.GetReference(dw);
        int width = Vector<float>.Count, i = 0;
        for (; i <= k - (2 * width); i += 2 * width)
        {
            Vector<float> a0 = default, a1 = default;
            for (int n = 0; n < rows; n++)
            {
                nuint at = (nuint)((n * k) + i);
                Vector<float> v = new(dy[n * stride]);
                a0 = Vector.MultiplyAddEstimate(v, Vector.LoadUnsafe(ref px, at), a0);
                a1 = Vector.MultiplyAddEstimate(v, Vector.LoadUnsafe(ref px, at + (nuint)width), a1);
            }

            a0.StoreUnsafe(ref pw, (nuint)i);
            a1.StoreUnsafe(ref pw, (nuint)(i + width));
        }

        AccumulateTail(dy, x, dw, rows, stride, i);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AccumulateTail(ReadOnlySpan<float> dy, ReadOnlySpan<float> x, Span<float> dw, int rows, int stride, int i)
    {
        int k = dw.Length;
        for (; i <= k - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> sum = default;
            for (int n = 0; n < rows; n++) sum = Vector.MultiplyAddEstimate(new Vector<float>(dy[n * stride]), new Vector<float>(x.Slice((n * k) + i)), sum);
            sum.CopyTo(dw[i..]);
        }

        for (; i < k; i++)
        {
            float sum = 0;
            for (int n = 0; n < rows; n++) sum += dy[n * stride] * x[(n * k) + i];
            dw[i] = sum;
        }
    }

    // Bounds are checked once here: the inner loops use unchecked references.
    private static void Require(bool fits)
    {
        if (!fits) throw new ArgumentException("The matrices do not fit each other.");
    }
}
