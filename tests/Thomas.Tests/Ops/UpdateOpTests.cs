using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Ops;

/// <summary>Updates against closed forms and sequences worked out by hand.</summary>
public sealed class UpdateOpTests
{
    private static readonly float[] Plain = [0.1f, 1, 1, 1];

    [Fact]
    public void First_adam_step_has_the_size_of_the_rate_whatever_the_gradient()
    {
        float[] w = [1, 1, 1, 1], m = new float[4], v = new float[4];
        float[] control = [0.01f, 1, 1 / (1 - 0.9f), 1 / MathF.Sqrt(1 - 0.999f)];
        Update(OpCatalog.AdamUpdate, new AdamAttributes(), [w, m, v], [1e-3f, -1e-3f, 50, -7], control);
        Assert.All(w.Zip((float[])[0.99f, 1.01f, 0.99f, 1.01f]), pair => Assert.Equal(pair.Second, pair.First, 1e-6f));
    }

    [Fact]
    public void Adam_without_gradient_keeps_the_parameter_and_adamw_shrinks_it()
    {
        float[] control = [0.5f, 1, 1 / (1 - 0.9f), 1 / MathF.Sqrt(1 - 0.999f)], w = [2, -4];
        Update(OpCatalog.AdamUpdate, new AdamAttributes(), [w, new float[2], new float[2]], new float[2], control);
        Assert.Equal([2, -4], w);
        Update(OpCatalog.AdamUpdate, new AdamAttributes(WeightDecay: 0.25f), [w, new float[2], new float[2]], new float[2], control);
        Assert.Equal([1.75f, -3.5f], w);

        // At most all of it: a weight is never turned around.
        Update(OpCatalog.AdamUpdate, new AdamAttributes(WeightDecay: 6), [w, new float[2], new float[2]], new float[2], control);
        Assert.Equal([0, 0], w);
        w[0] = 3;
        Update(OpCatalog.SgdUpdate, new SgdAttributes(WeightDecay: 6, Decoupled: true), [w, new float[2]], new float[2], control);
        Assert.Equal([0, 0], w);
    }

    [Fact]
    public void Momentum_by_hand()
    {
        // v = 1, 1.5, 1.75; w = 1 - 0.1 * (1 + 1.5 + 1.75).
        float[] w = [1], v = [0];
        for (int step = 0; step < 3; step++) Update(OpCatalog.SgdUpdate, new SgdAttributes(0.5f), [w, v], [1], Plain);
        Assert.Equal(1.75f, v[0]);
        Assert.Equal(0.575f, w[0], 1e-6f);
    }

    [Fact]
    public void Nesterov_by_hand()
    {
        // v = 1, 1.5, 1.75; steps 1 + 0.5 * v = 1.5, 1.75, 1.875.
        float[] w = [1], v = [0];
        for (int step = 0; step < 3; step++) Update(OpCatalog.SgdUpdate, new SgdAttributes(0.5f, Nesterov: true), [w, v], [1], Plain);
        Assert.Equal(1 - (0.1f * (1.5f + 1.75f + 1.875f)), w[0], 1e-6f);
    }

    [Theory]
    [InlineData(false, 0.735f, 2.65f)]
    [InlineData(true, 0.735f, 2.25f)]
    public void Weight_decay_of_gradient_descent_by_hand(bool decoupled, float weight, float moment)
    {
        // Coupled: g = 2 * 1.125 + 0.4 * 1. Decoupled: the moment sees the gradient only. Without momentum both take 0.1 * (2.25 + 0.4).
        float[] w = [1], v = [0];
        Update(OpCatalog.SgdUpdate, new SgdAttributes(WeightDecay: 0.4f, Decoupled: decoupled), [w, v], [1.125f], [0.1f, 2, 1, 1]);
        Assert.Equal(weight, w[0], 1e-6f);
        Assert.Equal(moment, v[0], 1e-6f);
    }

    [Fact]
    public void Rate_factor_scales_the_rate()
    {
        float[] w = [1], v = [0];
        Update(OpCatalog.SgdUpdate, new SgdAttributes(RateFactor: 0.5f), [w, v], [1], Plain);
        Assert.Equal(0.95f, w[0], 1e-6f);
    }

    [Fact]
    public void The_first_micro_batch_overwrites_whatever_the_sum_holds()
    {
        float[] sum = [float.NaN, 5];
        Update(OpCatalog.Accumulate, NoAttributes.Instance, [sum], [1, 2], [0]);
        Assert.Equal([1, 2], sum);
        Update(OpCatalog.Accumulate, NoAttributes.Instance, [sum], [10, 20], [1]);
        Assert.Equal([11, 22], sum);
    }

    [Fact]
    public void Running_variance_is_unbiased_as_in_pytorch()
    {
        // BatchNorm1d(1), momentum 0.1, on 0 and 2: running mean 0.1 * 1, running variance 0.9 * 1 + 0.1 * 2.
        float[] mean = [0], variance = [1];
        Update(OpCatalog.MovingAverage, new MovingAverageAttributes(0.1f), [mean], [1]);
        Update(OpCatalog.MovingAverage, new MovingAverageAttributes(0.1f, 2), [variance], [1]);
        Assert.Equal(0.1f, mean[0], 1e-7f);
        Assert.Equal(1.1f, variance[0], 1e-7f);
    }

    [Theory]
    [InlineData(1f, 2.5f, 0.4f)]
    [InlineData(0.5f, 2.5f, 0.4f)]
    [InlineData(-1f, 5f, -0.8f)]
    [InlineData(1f, 7f, 1f)]
    public void Gradients_are_clipped_by_their_common_norm(float factor, float bound, float expected)
    {
        // sqrt(9 + 16 + 14.0625) = 6.25, times the factor that the gradients are to have anyway.
        Assert.Equal([0.1f, expected, 3, 4], Clip(bound, [0.1f, factor, 3, 4], [3, -4], [3.75f]));
    }

    [Fact]
    public void Gradients_without_a_number_are_left_for_the_watchdog()
    {
        float[] control = Clip(1, [0.1f, 1, 1, 1], [float.NaN, 3], [1]);
        Assert.Equal([0.1f, 1, 1, 1], control);
    }

    private static float[] Clip(float bound, float[] control, params float[][] gradients)
    {
        GraphBuilder builder = new();
        Value[] values = [.. ((float[][])[control, .. gradients]).Select((x, i) => builder.Input($"x{i}", new TensorType(DType.F32, new Shape(x.Length))))];
        Graph graph = builder.Build(builder.Add(OpCatalog.ClipByGlobalNorm, values, new ClipByGlobalNormAttributes(bound)));
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = 1 });
        control.CopyTo(executable.Input());
        for (int i = 0; i < gradients.Length; i++) gradients[i].CopyTo(executable.Input(i + 1));
        executable.Run();
        return executable.Output().ToArray();
    }

    /// <summary>Runs an update once and copies the variables back.</summary>
    private static void Update(Op op, OpAttributes attributes, float[][] variables, params float[][] fed)
    {
        GraphBuilder builder = new();
        Variable[] own = [
            .. variables.Select((x, i) => new Variable($"v{i}", new Shape(x.Length), VariableKind.Weight, TensorData.FromFloats(new Shape(x.Length), x)))];
        Value[] operands = [.. own.Select(builder.Variable), .. fed.Select((x, i) => builder.Input($"x{i}", new TensorType(DType.F32, new Shape(x.Length))))];
        Graph graph = builder.Build([.. builder.AddNode(op, operands, attributes).Outputs]);
        using VariableStore store = new(own);
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = 1 }, store);
        for (int i = 0; i < fed.Length; i++) fed[i].CopyTo(executable.Input(i));
        executable.Run();
        for (int i = 0; i < own.Length; i++) store[own[i]].CopyTo(variables[i]);
    }
}
