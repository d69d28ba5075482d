using System;
using Thomas.Data.Handwriting;
using Xunit;

namespace Thomas.Tests.Data.Handwriting;

public sealed class ElasticFieldTests
{
    [Fact]
    public void Without_strength_nothing_moves()
    {
        ElasticField field = new();
        field.Draw(new Rng(1), 0);
        GlyphPoint point = new(0.3f, 0.8f, IsCorner: true);
        Assert.Equal(point, field.Apply(point));
    }

    [Fact]
    public void Points_move_smoothly_and_no_farther_than_the_strength()
    {
        const float Strength = 0.2f, Step = 0.001f;
        ElasticField field = new();
        double moved = 0;
        for (ulong seed = 0; seed < 20; seed++)
        {
            field.Draw(new Rng(seed), Strength);
            double before = 0, slopeBefore = 0;
            for (int i = 0; i < 1500; i++)
            {
                GlyphPoint point = new((i * Step) - 0.25f, 0.4f);
                double dx = field.Apply(point).X - point.X, dy = field.Apply(point).Y - point.Y;
                Assert.InRange(Math.Max(Math.Abs(dx), Math.Abs(dy)), 0, Strength + 1e-6);
                moved = Math.Max(moved, Math.Abs(dx));
                // Nodes lie 0.4 apart: value and slope change gradually, also from one cell to the next.
                double slope = (dx - before) / Step;
                if (i > 0) Assert.InRange(Math.Abs(slope), 0, 2 * Strength / 0.4);
                if (i > 1) Assert.InRange(Math.Abs(slope - slopeBefore), 0, 0.02);
                (before, slopeBefore) = (dx, slope);
            }
        }

        Assert.True(moved > Strength / 3);
    }

    [Fact]
    public void Far_points_move_with_the_edge()
    {
        ElasticField field = new();
        field.Draw(new Rng(3), 0.1f);
        GlyphPoint edge = field.Apply(new GlyphPoint(1.3f, 0.5f)), beyond = field.Apply(new GlyphPoint(9, 0.5f));
        Assert.Equal(edge.X - 1.3f, beyond.X - 9, 1e-5);
        Assert.Equal(edge.Y, beyond.Y, 1e-6);
    }
}
