using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Ops;

/// <summary>The cases of the sweep for operators of training: batch normalization, dropout, losses, gradients of activations, updates.</summary>
internal static class TrainingCases
{
    public static IEnumerable<OpCase> All()
    {
        foreach (IEnumerable<OpCase> part in (IEnumerable<OpCase>[])[
            ActivationGradients(), BiasGradients(), BatchNorms(), Losses(), Updates(), Dropouts(), Transfers()])
        {
            foreach (OpCase test in part) yield return test;
        }
    }

    private static Shape S(params int[] dims) => new(dims);

    private static IEnumerable<OpCase> ActivationGradients()
    {
        foreach (Shape shape in (Shape[])[S(1), S(3, 5), S(1, 7, 9, 17), S(4097)])
        {
            foreach (Activation activation in OpCases.Activations)
            {
                if (activation.Kind == ActivationKind.None) continue;

                // A derivative that is computed from x may pass through zero: its bound follows from the terms.
                bool crosses = !activation.GradientReadsOutput;
                yield return new OpCase(
                    OpCatalog.ActivateGradient, new ActivateAttributes(activation), [shape, shape], -8, 8, crosses ? 0 : 3,
                    Terms: crosses ? o => TermsOfX(o, activation) : null);
            }
        }
    }

    /// <summary>Around vectors, around the rows that are summed at once, with several bands, with columns cut.</summary>
    private static IEnumerable<OpCase> BiasGradients()
    {
        foreach (Shape shape in (Shape[])[S(1, 1), S(3, 5), S(2, 7, 9, 17), S(1500, 24), S(6, 1, 1, 1030), S(4100, 65)])
        {
            foreach (Activation activation in OpCases.Activations)
            {
                // How bands are joined does not depend on the function.
                if (activation.Kind == ActivationKind.None || (shape[0] >= 1500 && activation.Kind is not (ActivationKind.Relu or ActivationKind.Sigmoid)))
                {
                    continue;
                }

                yield return new OpCase(
                    OpCatalog.ActivateBiasGradient, new ActivateAttributes(activation), [shape, shape], -8, 8, Terms: o => BiasTerms(o, activation, shape[-1]));
            }
        }
    }

    /// <summary>Sizes of the terms of dx and of its sums.</summary>
    private static double[][] BiasTerms(float[][] operands, Activation activation, int channels)
    {
        double[] dx = !activation.GradientReadsOutput ? TermsOfX(operands, activation)[0] : new double[operands[0].Length];
        for (int i = 0; i < dx.Length; i++)
        {
            // Of dy * y * (1 - y) and dy * (1 - y * y); the others are dy times a constant.
            double dy = Math.Abs((double)operands[0][i]), y = Math.Abs((double)operands[1][i]);
            if (activation.Kind == ActivationKind.Sigmoid) dx[i] = dy * y * (1 + y);
            else if (activation.Kind == ActivationKind.Tanh) dx[i] = dy * (1 + (y * y));
            else if (dx[i] == 0) dx[i] = dy;
        }

        double[] db = new double[channels];
        for (int i = 0; i < dx.Length; i++) db[i % channels] += dx[i];
        return [dx, db];
    }

    /// <summary>
    /// Sizes of the terms of dy * f'(x): of x / 3 + 1/2 for hard swish, of s * (1 + x * (1 - s)), s the sigmoid of x, for SiLU, and for others, whose terms are
    /// about 1, of f'(x) as a correction to 1.
    /// </summary>
    private static double[][] TermsOfX(float[][] operands, Activation activation)
    {
        ActivationFunction function = activation.Function;
        double[] scale = new double[operands[0].Length];
        for (int i = 0; i < scale.Length; i++)
        {
            double x = Math.Abs((double)operands[1][i]), s = 1 / (1 + Math.Exp(-operands[1][i]));
            scale[i] = Math.Abs(operands[0][i]) * activation.Kind switch
            {
                ActivationKind.Silu => s * (1 + (x * (1 + s))),
                ActivationKind.HardSwish => (x / 3) + 0.5,
                _ => 1 + Math.Abs(function.Derivative((double)operands[1][i])),
            };
        }

        return [scale];
    }

    private static IEnumerable<OpCase> BatchNorms()
    {
        foreach (Shape x in (Shape[])[
            S(2, 3, 5, 19), S(4, 3), S(1, 2), S(3, 7, 9, 32), S(1, 17, 16, 67), S(130, 128), S(2, 1, 1, 150), S(600, 1), S(3, 37, 41, 8), S(9001, 3),
            S(2, 33, 33, 32)])
        {
            foreach (OpCase test in BatchNormsOf(x)) yield return test;
        }
    }

    /// <summary>The operators of training on one shape, with and without a clipping.</summary>
    internal static IEnumerable<OpCase> BatchNormsOf(Shape x)
    {
        Shape c = S(x[-1]);
        yield return new OpCase(OpCatalog.BatchNormTraining, new BatchNormTrainingAttributes(1e-3f), [x, c, c], Terms: ForwardTerms);
        yield return new OpCase(
            OpCatalog.BatchNormTrainingGradient, new BatchNormTrainingAttributes(1e-3f), [x, x, c, c, c], Prepare: PositiveVariance, Terms: GradientTerms);
        yield return new OpCase(
            OpCatalog.BatchNormTraining, new BatchNormTrainingAttributes(1e-3f, Activation.Clip(-0.4f, 0.9f)), [x, c, c], Terms: ForwardTerms);
        foreach (Activation activation in (Activation[])[Activation.None, Activation.Clip(-0.4f, 0.9f)])
            yield return new OpCase(
                OpCatalog.BatchNormFromMoments, new BatchNormTrainingAttributes(1e-3f, activation), [x, c, c, c, c, c], Prepare: PositiveVariance,
                Terms: FromMomentsTerms);
        yield return new OpCase(
            OpCatalog.BatchNormTrainingGradient, new BatchNormTrainingAttributes(1e-3f, Activation.Relu6), [x, x, c, c, c, c], Prepare: PositiveVariance,
            Terms: GradientTerms);
    }

    private static void PositiveVariance(float[][] operands)
    {
        for (int c = 0; c < operands[4].Length; c++) operands[4][c] = Math.Abs(operands[4][c]) + 0.3f;
    }

    /// <summary>Sizes of the terms of y, mean and variance.</summary>
    private static double[][] ForwardTerms(float[][] operands)
    {
        float[] x = operands[0], scale = operands[1], shift = operands[2];
        int channels = scale.Length, rows = x.Length / channels;
        double[] y = new double[x.Length], means = new double[channels], variances = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double mean = 0, size = 0, variance = 0;
            for (int i = c; i < x.Length; i += channels)
            {
                mean += (double)x[i] / rows;
                size += Math.Abs((double)x[i]) / rows;
            }

            for (int i = c; i < x.Length; i += channels) variance += (x[i] - mean) * (x[i] - mean) / rows;
            means[c] = size;

            // A deviation d carries the rounding of x and of the mean: an error of |mean| * d in its square.
            variances[c] = variance + (size * Math.Sqrt(variance));
            double r = 1 / Math.Sqrt(variance + 1e-3);
            for (int i = c; i < x.Length; i += channels) y[i] = (Math.Abs(scale[c]) * r * (Math.Abs(x[i]) + size)) + Math.Abs(shift[c]);
        }

        return [y, means, variances];
    }

    /// <summary>Sizes of the terms of y where mean, variance and rest are given.</summary>
    private static double[][] FromMomentsTerms(float[][] operands)
    {
        double[] y = new double[operands[0].Length];
        for (int i = 0; i < y.Length; i++)
        {
            int c = i % operands[1].Length;
            y[i] = (Math.Abs(operands[1][c]) / Math.Sqrt(operands[4][c]) * (Math.Abs(operands[0][i]) + Math.Abs(operands[3][c]) + Math.Abs(operands[5][c])))
                + Math.Abs(operands[2][c]);
        }

        return [y];
    }

    /// <summary>Sizes of the terms of dx, dScale and dShift.</summary>
    private static double[][] GradientTerms(float[][] operands)
    {
        float[] x = operands[0], dy = operands[1], scale = operands[2], mean = operands[3], variance = operands[4];
        int channels = scale.Length, rows = x.Length / channels;
        double[] dx = new double[x.Length], dScale = new double[channels], dShift = new double[channels];
        for (int c = 0; c < channels; c++)
        {
            double r = 1 / Math.Sqrt(variance[c]);
            for (int i = c; i < x.Length; i += channels)
            {
                dShift[c] += Math.Abs(dy[i]);
                dScale[c] += Math.Abs(dy[i]) * (Math.Abs(x[i]) + Math.Abs(mean[c])) * r;
            }

            for (int i = c; i < x.Length; i += channels)
                dx[i] = Math.Abs(scale[c]) * r * (Math.Abs(dy[i]) + ((dShift[c] + ((Math.Abs(x[i]) + Math.Abs(mean[c])) * r * dScale[c])) / rows));
        }

        return [dx, dScale, dShift];
    }

    private static IEnumerable<OpCase> Losses()
    {
        foreach ((int n, int c) in ((int, int)[])[(1, 1), (3, 10), (17, 2), (5, 35), (2, 1001), (300, 10), (9, 300)])
        {
            yield return new OpCase(OpCatalog.SoftmaxCrossEntropy, NoAttributes.Instance, [S(n, c), S(n, c), S(n)], Prepare: Distributions, Terms: LossTerms);
            yield return new OpCase(
                OpCatalog.SoftmaxCrossEntropyGradient, NoAttributes.Instance, [S(n, c), S(n, c), S(n), S(1)], 0, 1, Prepare: Probabilities,
                Terms: LossGradientTerms);
        }
    }

    /// <summary>Scores over a wide range, smoothed targets with some zeros, weights of which one is 0.</summary>
    private static void Distributions(float[][] operands)
    {
        for (int i = 0; i < operands[0].Length; i++) operands[0][i] *= 20;
        for (int i = 0; i < operands[1].Length; i++) operands[1][i] = i % 3 == 0 ? 0 : Math.Abs(operands[1][i]) / operands[1].Length;
        if (operands[2].Length > 1) operands[2][^1] = 0;
    }

    private static double[][] LossTerms(float[][] operands)
    {
        int rows = operands[2].Length, classes = operands[0].Length / rows;
        double loss = 0;
        double[] probabilities = new double[operands[0].Length];
        for (int n = 0; n < rows; n++)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (int i = n * classes; i < (n + 1) * classes; i++) max = Math.Max(max, operands[0][i]);
            for (int i = n * classes; i < (n + 1) * classes; i++) sum += Math.Exp(operands[0][i] - max);
            for (int i = n * classes; i < (n + 1) * classes; i++)
            {
                // Rounding the exponent moves a probability by its size times the exponent's.
                probabilities[i] = Math.Exp(operands[0][i] - max) / sum * (4 + max - operands[0][i]);
                loss += Math.Abs(operands[2][n]) * operands[1][i] * (4 + max - operands[0][i]);
            }
        }

        return [[loss], probabilities];
    }

    private static void Probabilities(float[][] operands)
    {
        if (operands[2].Length > 1) operands[2][^1] = 0;
    }

    private static double[][] LossGradientTerms(float[][] operands)
    {
        int rows = operands[2].Length, classes = operands[0].Length / rows;
        double[] scale = new double[operands[0].Length];
        for (int n = 0; n < rows; n++)
        {
            double sum = 0;
            for (int i = n * classes; i < (n + 1) * classes; i++) sum += operands[1][i];
            for (int i = n * classes; i < (n + 1) * classes; i++)
                scale[i] = Math.Abs(operands[2][n] * operands[3][0]) * ((operands[0][i] * sum) + operands[1][i]);
        }

        return [scale];
    }

    private static IEnumerable<OpCase> Updates()
    {
        Shape control = S(UpdateOp.ControlLength);
        foreach (Shape w in (Shape[])[S(1), S(5, 3, 3, 7), S(4096 + 19), S(40, 300)])
        {
            SgdAttributes[] sgd = [new(), new(0.9f, WeightDecay: 0.01f), new(0.9f, Nesterov: true, WeightDecay: 0.01f, Decoupled: true, RateFactor: 0.5f)];
            foreach (SgdAttributes a in sgd) yield return new OpCase(OpCatalog.SgdUpdate, a, [w, w, w, control]);
            AdamAttributes[] adam = [new(), new(0.8f, 0.99f, 1e-3f, 0.1f, Decoupled: true, RateFactor: 2), new(WeightDecay: 0.1f, Decoupled: false)];
            foreach (AdamAttributes a in adam) yield return new OpCase(OpCatalog.AdamUpdate, a, [w, w, w, w, control], Prepare: AdamOperands);
            yield return new OpCase(OpCatalog.Accumulate, NoAttributes.Instance, [w, w, S()], Ulps: 1, Prepare: operands => operands[2][0] = 0);
            yield return new OpCase(OpCatalog.Accumulate, NoAttributes.Instance, [w, w, S()], Ulps: 1, Prepare: operands => operands[2][0] = 1);
            yield return new OpCase(OpCatalog.MovingAverage, new MovingAverageAttributes(0.1f, 33f / 32), [w, w]);
            yield return new OpCase(OpCatalog.ClipByGlobalNorm, new ClipByGlobalNormAttributes(0.5f), [control, w, S(3), S(20000)], Ulps: 4);
            yield return new OpCase(OpCatalog.ClipByGlobalNorm, new ClipByGlobalNormAttributes(1e6f), [control, w], Ulps: 0.5);
        }

        // More tensors than one launch of a device takes, one of several pieces.
        Shape[] many = [control, .. Enumerable.Range(1, 33).Select(i => S(i == 21 ? 70001 : (7 * i) + 1))];
        yield return new OpCase(OpCatalog.ClipByGlobalNorm, new ClipByGlobalNormAttributes(0.5f), many, Ulps: 4);
    }

    /// <summary>A second moment that is no square of an imaginary number, and corrections of its bias.</summary>
    private static void AdamOperands(float[][] operands)
    {
        for (int i = 0; i < operands[2].Length; i++) operands[2][i] = Math.Abs(operands[2][i]) + 0.01f;
        operands[4][2] = 1.3f;
        operands[4][3] = 5.1f;
    }

    private static IEnumerable<OpCase> Transfers()
    {
        foreach (Shape x in (Shape[])[S(), S(7, 19), S(2, 3, 5, 67)])
            yield return new OpCase(OpCatalog.Transfer, new TransferAttributes("cpu", "cpu"), [x], Ulps: 0.5);

        // Other types: CastTests.
        foreach (Shape x in (Shape[])[S(), S(7, 19), S(2, 3, 5, 67)]) yield return new OpCase(OpCatalog.Cast, new CastAttributes(DType.F32), [x], Ulps: 0.5);
    }

    private static IEnumerable<OpCase> Dropouts()
    {
        foreach (Shape x in (Shape[])[S(1), S(7, 19), S(3, 4096 + 3)])
        {
            foreach (float rate in (float[])[0, 0.2f, 0.5f, 0.9f])
                yield return new OpCase(
                    OpCatalog.Dropout, new DropoutAttributes(rate, 0x1234567890), [x, S()], Ulps: 2, Prepare: operands => operands[1][0] = 41);
        }

        // A seed and a step with many bits.
        yield return new OpCase(
            OpCatalog.Dropout, new DropoutAttributes(0.3f, 0xFEDC_BA98_7654_3211), [S(70001), S()], 1, 2, Ulps: 2, Prepare: o => o[1][0] = 16_777_215);
    }
}
