using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.Elementwise;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class DropoutTests
{
    private const int Count = 100_000;

    [Theory]
    [InlineData(0.1f)]
    [InlineData(0.5f)]
    [InlineData(0.8f)]
    public void The_share_of_zeros_is_the_rate_in_every_mask(float rate)
    {
        // Within 4.5 standard deviations; 40 masks.
        double bound = 4.5 * Math.Sqrt(Count * rate * (1 - rate));
        for (uint step = 0; step < 40; step++)
        {
            int dropped = Mask(step % 4, step / 4, rate).Count(kept => !kept);
            Expect.True(Math.Abs(dropped - (Count * (double)rate)) <= bound, $"step {step}: {dropped} of {Count}");
        }
    }

    [Fact]
    public void Neighbors_steps_and_seeds_are_independent()
    {
        bool[] mask = Mask(1, 0, 0.5f);
        double bound = 4.5 * Math.Sqrt(Count) / 2;
        for (int shift = 1; shift <= 64; shift++) Independent(mask[..^shift], mask[shift..], $"shift {shift}");
        for (uint other = 1; other <= 20; other++)
        {
            Independent(mask, Mask(1, other, 0.5f), $"step {other}");
            Independent(mask, Mask(1 + other, 0, 0.5f), $"seed {1 + other}");

            // Also shifted: the next step's mask is not this one's further on.
            Independent(mask[(int)other..], Mask(1, 1, 0.5f)[..^(int)other], $"step 1 shifted by {other}");
        }

        void Independent(bool[] a, bool[] b, string what)
        {
            int equal = a.Zip(b).Count(pair => pair.First == pair.Second);
            Expect.True(Math.Abs(equal - (a.Length / 2.0)) <= bound, $"{what}: {equal} of {a.Length} agree");
        }
    }

    [Fact]
    public void Nothing_is_dropped_at_rate_zero_and_the_sum_is_kept_on_average()
    {
        Assert.DoesNotContain(false, Mask(5, 6, 0));
        float[] y = Run(Forward(0.25f), 3, 1);
        Assert.Equal(Count, y.Sum(v => (double)v), 0.01 * Count);
        Assert.All(y, v => Assert.True(v == 0 || v == 1 / 0.75f));
    }

    [Fact]
    public void Mask_follows_the_step_and_not_the_threads()
    {
        float[] first = Run(Forward(0.5f), 3, 1);
        Assert.Equal(first, Run(Forward(0.5f), 3, 3));
        Assert.NotEqual(first, Run(Forward(0.5f), 4, 1));
    }

    [Fact]
    public void The_gradient_has_the_mask_of_the_forward_pass()
    {
        GraphBuilder builder = new();
        Shape shape = new(Count);
        Variable x = new("x", shape, VariableKind.Weight, TensorData.FromFloats(shape, [.. Enumerable.Repeat(1f, Count)]));
        Value step = builder.Input("step", new TensorType(DType.F32, new Shape()));
        Value y = builder.Add(OpCatalog.Dropout, [builder.Variable(x), step], new DropoutAttributes(0.3f, 9));
        Value dy = builder.Constant("dy", TensorData.FromFloats(shape, [.. Enumerable.Repeat(2f, Count)]));
        Value? dx = null;
        OpCatalog.Dropout.Gradient(new GradientContext(builder, y.Producer!, [dy], value => !value.IsInput, (_, gradient) => dx = gradient));
        using VariableStore store = new([x]);
        using Executable executable = Executable.CompileAsIs(builder.Build(y, dx!), new CompileOptions { Threads = 1 }, store);
        executable.Input()[0] = 12;
        executable.Run();
        Assert.Equal(executable.Output(0).ToArray(), Array.ConvertAll(executable.Output(1).ToArray(), v => v / 2));
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(-0.1f)]
    [InlineData(float.NaN)]
    public void A_rate_outside_its_range_is_refused(float rate) => Assert.Throws<GraphException>(() => Forward(rate));

    private static bool[] Mask(ulong seed, uint step, float rate)
    {
        DropoutMask mask = new(seed, step, rate);
        bool[] kept = new bool[Count];
        for (int i = 0; i < Count; i++) kept[i] = mask.Keeps((uint)i);
        return kept;
    }

    private static Graph Forward(float rate)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(Count))), step = builder.Input("step", new TensorType(DType.F32, new Shape()));
        return builder.Build(builder.Add(OpCatalog.Dropout, [x, step], new DropoutAttributes(rate, 77)));
    }

    private static float[] Run(Graph graph, int step, int threads)
    {
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Threads = threads });
        executable.Input(0).Fill(1);
        executable.Input(1)[0] = step;
        executable.Run();
        return executable.Output().ToArray();
    }
}
