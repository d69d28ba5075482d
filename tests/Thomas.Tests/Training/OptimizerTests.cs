using System;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class OptimizerTests
{
    // 19 is odd against every vector width, so both the vector loop and the tail run.
    private const int Length = 19;
    private const int Steps = 12;
    private const float Rate = 0.05f;

    [Fact]
    public void First_sgd_step_is_the_gradient_times_the_rate()
    {
        float[] w = [1, -2];
        new SgdOptimizer(2, momentum: 0.9f, nesterov: false, weightDecay: 0).Step(w, [0.5f, 4], 0.1f, 1);
        Assert.Equal([0.95f, -2.4f], w);
    }

    [Fact]
    public void First_adam_step_has_the_size_of_the_rate_whatever_the_gradient()
    {
        float[] w = [1, -2, 3];
        new AdamOptimizer(3, weightDecay: 0, decoupled: false).Step(w, [1e-3f, -50, 0], 0.1f, 1);
        Assert.Equal(0.9f, w[0], 1e-5f);
        Assert.Equal(-1.9f, w[1], 1e-5f);
        Assert.Equal(3f, w[2]);
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd, false, 0f, 1f)]
    [InlineData(OptimizerKind.Sgd, false, 0.1f, 0.5f)]
    [InlineData(OptimizerKind.Sgd, true, 0.1f, 1f)]
    [InlineData(OptimizerKind.Adam, false, 0f, 1f)]
    [InlineData(OptimizerKind.Adam, false, 0.1f, 0.5f)]
    [InlineData(OptimizerKind.AdamW, false, 0.1f, 1f)]
    public void Steps_follow_the_formula_in_double_precision(OptimizerKind kind, bool nesterov, float decay, float gradientScale)
    {
        Rng rng = new(31);
        float[] w = Surrogate.Normals(rng, Length, 1);
        double[] expected = Array.ConvertAll(w, v => (double)v), first = new double[Length], second = new double[Length];
        Optimizer optimizer = Optimizer.Create(new HeadOptions { Optimizer = kind, Nesterov = nesterov }, Length, decay);
        for (int step = 1; step <= Steps; step++)
        {
            float[] gradient = Surrogate.Normals(rng, Length, 1);
            optimizer.Step(w, gradient, Rate, gradientScale);
            for (int i = 0; i < Length; i++)
            {
                double g = (double)gradient[i] * gradientScale;
                if (kind != OptimizerKind.AdamW) g += decay * expected[i];
                if (kind == OptimizerKind.Sgd)
                {
                    first[i] = (0.9 * first[i]) + g;
                    expected[i] -= Rate * (nesterov ? g + (0.9 * first[i]) : first[i]);
                    continue;
                }

                first[i] = (0.9 * first[i]) + (0.1 * g);
                second[i] = (0.999 * second[i]) + (0.001 * g * g);
                if (kind == OptimizerKind.AdamW) expected[i] -= Rate * decay * expected[i];
                expected[i] -= Rate * (first[i] / (1 - Math.Pow(0.9, step))) / (Math.Sqrt(second[i] / (1 - Math.Pow(0.999, step))) + 1e-8);
            }

            for (int i = 0; i < Length; i++) Assert.Equal(expected[i], w[i], 2e-5);
        }
    }

    [Fact]
    public void Decoupled_decay_never_turns_a_weight_around()
    {
        float[] w = [1];
        new AdamOptimizer(1, weightDecay: 3, decoupled: true).Step(w, [0], learningRate: 1, gradientScale: 1);
        Assert.Equal(0, w[0]);
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.Adam)]
    public void Reset_forgets_the_past(OptimizerKind kind)
    {
        Optimizer used = Optimizer.Create(new HeadOptions { Optimizer = kind }, 1, 0), fresh = Optimizer.Create(new HeadOptions { Optimizer = kind }, 1, 0);
        float[] a = [0], b = [0];
        used.Step(a, [5], 0.1f, 1);
        used.Step(a, [-1], 0.1f, 1);
        used.Reset();
        a[0] = 0;
        used.Step(a, [2], 0.1f, 1);
        fresh.Step(b, [2], 0.1f, 1);
        Assert.Equal(b, a);
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        SgdOptimizer optimizer = new(3, 0.9f, nesterov: true, weightDecay: 0);
        Assert.Throws<ArgumentException>(() => optimizer.Step(new float[3], new float[2], 0.1f, 1));
        Assert.Throws<ArgumentException>(() => optimizer.Step(new float[4], new float[4], 0.1f, 1));
    }
}
