using System;
using System.Linq;
using Thomas.Data.Handwriting;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Data.Handwriting;

public sealed class GlyphPathTests
{
    [Fact]
    public void Curves_pass_their_points_in_order()
    {
        GlyphPoint[] stroke = [new(0.1f, 0), new(0.6f, 0.2f), new(0.5f, 0.5f, IsCorner: true), new(0, 0.7f), new(0.3f, 1)];
        GlyphPath path = new();
        path.AddStroke(stroke);
        int at = 0;
        foreach (GlyphPoint point in stroke)
        {
            at = path.Points.FindIndex(at, other => MathF.Abs(other.X - point.X) < 1e-6f && MathF.Abs(other.Y - point.Y) < 1e-6f);
            Expect.True(at >= 0, $"{point} is not passed");
        }

        Assert.Equal([path.Points.Count], path.StrokeEnds);
        path.AddStroke(stroke);
        Assert.Equal([path.Points.Count / 2, path.Points.Count], path.StrokeEnds);
        path.Clear();
        Assert.Empty(path.Points);
        Assert.Empty(path.StrokeEnds);
    }

    [Fact]
    public void Between_corners_the_line_is_straight()
    {
        GlyphPath path = new();
        path.AddStroke([new(0, 0), new(1, 0, IsCorner: true), new(1, 1)]);
        Assert.All(path.Points, point => Assert.True(MathF.Abs(point.Y) < 1e-6f || MathF.Abs(point.X - 1) < 1e-6f, point.ToString()));
        Assert.All(path.Points, point => Assert.InRange(point.X, 0, 1.000001f));
    }

    [Fact]
    public void A_ring_of_points_becomes_round()
    {
        GlyphPoint[] ring = [.. Enumerable.Range(0, 13).Select(i => new GlyphPoint(MathF.Cos(i * MathF.Tau / 8), MathF.Sin(i * MathF.Tau / 8)))];
        GlyphPath path = new();
        path.AddStroke(ring);
        // The first and last span have no neighbor on one side.
        foreach (GlyphPoint point in path.Points.Skip(6).SkipLast(6))
            Assert.Equal(1, MathF.Sqrt((point.X * point.X) + (point.Y * point.Y)), 0.01);
    }

    [Fact]
    public void Points_that_coincide_give_no_NaN()
    {
        GlyphPath path = new();
        path.AddStroke([new(0.5f, 0.5f), new(0.5f, 0.5f), new(0.5f, 0.5f)]);
        Assert.All(path.Points, point => Assert.Equal((0.5f, 0.5f), (point.X, point.Y)));
    }
}
