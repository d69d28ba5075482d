using System;
using System.Collections.Generic;
using System.Linq;


using Xunit;

namespace Thomas.Tests.Base;

public sealed class RngTests
{
    [Fact]
    public void Sequence_is_xoshiro256_starstar_of_its_reference_implementation()
    {
        Rng rng = Rng.FromState(new RngState(0, 1, 2, 3, 4));
        ulong[] expected =
        [
            11520, 0, 1509978240, 1215971899390074240, 1216172134540287360, 607988272756665600,
            16172922978634559625, 8476171486693032832, 10595114339597558777, 2904607092377533576,
        ];
        Assert.Equal(expected, expected.Select(_ => rng.NextUInt64()));
    }

    [Fact]
    public void State_is_filled_by_splitmix64()
    {
        RngState state = new Rng(1234567).State;
        Assert.Equal(new RngState(1234567, 6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431), state);
    }

    [Fact]
    public void Stored_state_goes_on_where_it_was_and_keeps_its_forks()
    {
        Rng rng = new(5);
        rng.NextUInt64();
        Rng restored = Rng.FromState(rng.State);
        Assert.Equal(rng.NextUInt64(), restored.NextUInt64());
        Assert.Equal(rng.Fork(3).NextUInt64(), restored.Fork(3).NextUInt64());
        Assert.Throws<ArgumentException>(() => Rng.FromState(default));
    }

    [Fact]
    public void Forks_depend_on_the_path_only_and_differ()
    {
        Rng rng = new(7);
        ulong before = rng.Fork(1).NextUInt64();
        rng.NextUInt64();
        Assert.Equal(before, rng.Fork(1).NextUInt64());
        HashSet<ulong> first = [];
        for (ulong a = 0; a < 50; a++)
        {
            for (ulong b = 0; b < 50; b++)
            {
                Assert.True(first.Add(rng.Fork(a).Fork(b).NextUInt64()));
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    [InlineData(100)]
    public void Next_is_even_over_the_bound(int bound)
    {
        const int Draws = 100_000;
        Rng rng = new(11);
        int[] counts = new int[bound];
        for (int i = 0; i < Draws; i++)
        {
            counts[rng.Next(bound)]++;
        }

        // Five standard deviations of a binomial count.
        double share = 1.0 / bound;
        double tolerance = (5 * Math.Sqrt(Draws * share * (1 - share))) + 1e-9;
        Assert.All(counts, count => Assert.InRange(count, (Draws * share) - tolerance, (Draws * share) + tolerance));
    }

    [Fact]
    public void Next_refuses_a_bound_below_one_and_covers_the_largest()
    {
        Rng rng = new(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => rng.Next(0));
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.InRange(rng.Next(int.MaxValue), 0, int.MaxValue - 1));
    }

    [Fact]
    public void Uniform_and_normal_have_the_right_moments()
    {
        const int Draws = 200_000;
        Rng rng = new(3);
        double[] uniform = new double[Draws];
        double[] normal = new double[Draws];
        for (int i = 0; i < Draws; i++)
        {
            uniform[i] = rng.Uniform();
            normal[i] = rng.Normal(2, 3);
        }

        Assert.All(uniform, value => Assert.InRange(value, 0, 1 - 1e-9));
        Assert.Equal(0.5, uniform.Average(), 0.005);
        Assert.Equal(1.0 / 12, uniform.Average(value => (value - 0.5) * (value - 0.5)), 0.001);
        Assert.Equal(2, normal.Average(), 0.05);
        Assert.Equal(9, normal.Average(value => (value - 2) * (value - 2)), 0.2);
        Assert.Equal(0, normal.Average(value => Math.Pow((value - 2) / 3, 3)), 0.05);
    }

    [Fact]
    public void Shuffle_reaches_every_order_about_equally_often()
    {
        const int Draws = 60_000;
        Rng rng = new(9);
        Dictionary<string, int> counts = [];
        for (int i = 0; i < Draws; i++)
        {
            char[] letters = ['a', 'b', 'c', 'd'];
            rng.Shuffle<char>(letters);
            string order = new(letters);
            counts[order] = counts.GetValueOrDefault(order) + 1;
        }

        Assert.Equal(24, counts.Count);
        Assert.All(counts.Values, count => Assert.InRange(count, 2500 - 250, 2500 + 250));
    }
}
