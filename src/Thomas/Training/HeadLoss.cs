using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Thomas.Training;

/// <summary>Cross-entropy of softmax probabilities, with label smoothing and class weights, and its gradient.</summary>
/// <remarks>
/// For a row n with logits z[c], c = 0 ... C - 1, label y, smoothing e and class weights a:
/// <code>
/// p[c]  = exp(z[c]) / sum_j exp(z[j])
/// q[c]  = (1 - e) * [c = y] + e / C
/// loss  = 1/N * sum_n a[y] * sum_c -q[c] * log p[c]
/// dz[c] = 1/N * a[y] * (p[c] - q[c])
/// </code>
/// The weight belongs to the row's own label, also for the smoothed part, and the sum is divided by the number of rows, not by their total weight
/// (PyTorch does both otherwise): a batch's gradient is then an unbiased estimate of the whole set's. Smoothing: Szegedy et al., "Rethinking the
/// Inception Architecture", 2016. The largest logit is subtracted before exponentiating, so finite logits never overflow.
/// </remarks>
public static class HeadLoss
{
    /// <summary>Mean loss of a batch and, if wanted, its gradient.</summary>
    /// <typeparam name="T"><see cref="float"/> or <see cref="double"/>; losses are added up in double precision either way.</typeparam>
    /// <param name="logits">Row-major [N, C], N being the number of labels.</param>
    /// <param name="labels">Class index of every row.</param>
    /// <param name="classes">C.</param>
    /// <param name="gradLogits">Receives dz [N, C]; empty if it is not wanted. May be the same memory as <paramref name="logits"/>.</param>
    /// <param name="labelSmoothing">e, in [0, 1).</param>
    /// <param name="classWeights">a [C]; empty means all 1.</param>
    /// <returns>The mean loss, in nats; not finite if a logit is not.</returns>
    /// <exception cref="ArgumentException">Lengths do not fit, or a label is not in [0, C).</exception>
    public static double Compute<T>(
        ReadOnlySpan<T> logits, ReadOnlySpan<int> labels, int classes, Span<T> gradLogits, T labelSmoothing, ReadOnlySpan<T> classWeights)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 1);
        if (labels.IsEmpty) throw new ArgumentException("A batch has at least one row.", nameof(labels));
        if (logits.Length != (long)labels.Length * classes)
        {
            throw new ArgumentException($"{logits.Length} logits are not {labels.Length} rows of {classes} classes.", nameof(logits));
        }

        if (!gradLogits.IsEmpty && gradLogits.Length != logits.Length)
        {
            throw new ArgumentException($"The gradient has {gradLogits.Length} elements, the logits {logits.Length}.", nameof(gradLogits));
        }

        if (!classWeights.IsEmpty && classWeights.Length != classes)
        {
            throw new ArgumentException($"{classWeights.Length} class weights for {classes} classes.", nameof(classWeights));
        }

        double total = 0;
        for (int n = 0; n < labels.Length; n++)
        {
            int label = labels[n];
            if ((uint)label >= (uint)classes) throw new ArgumentException($"Row {n} has label {label}; there are {classes} classes.", nameof(labels));
            ReadOnlySpan<T> row = logits.Slice(n * classes, classes);
            T weight = classWeights.IsEmpty ? T.One : classWeights[label];
            Span<T> grad = gradLogits.IsEmpty ? default : gradLogits.Slice(n * classes, classes);
            T loss = Row(row, label, labelSmoothing, weight / T.CreateTruncating(labels.Length), grad);
            total += double.CreateTruncating(loss) * double.CreateTruncating(weight);
        }

        return total / labels.Length;
    }

    /// <summary>Unweighted loss of one row; writes <c>scale * (p - q)</c>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static T Row<T>(ReadOnlySpan<T> logits, int label, T smoothing, T scale, Span<T> grad)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        // T.Max propagates NaN, so a NaN logit cannot hide.
        T max = logits[0], linear = T.Zero;
        foreach (T z in logits)
        {
            max = T.Max(max, z);
        }

        T sum = T.Zero, atLabel = logits[label] - max, smooth = smoothing / T.CreateTruncating(logits.Length);
        if (grad.IsEmpty)
        {
            foreach (T z in logits)
            {
                sum += T.Exp(z - max);
                linear += z - max;
            }
        }
        else
        {
            for (int c = 0; c < logits.Length; c++)
            {
                T shifted = logits[c] - max;
                T e = T.Exp(shifted);
                linear += shifted;
                sum += e;
                grad[c] = e;
            }

            T toProbability = scale / sum;
            T uniform = scale * smooth;
            for (int c = 0; c < grad.Length; c++) grad[c] = (grad[c] * toProbability) - uniform;
            grad[label] -= scale * (T.One - smoothing);
        }

        return T.Log(sum) - ((T.One - smoothing) * atLabel) - (smooth * linear);
    }
}
