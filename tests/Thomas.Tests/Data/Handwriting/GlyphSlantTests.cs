using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Data.Handwriting;
using Xunit;

namespace Thomas.Tests.Data.Handwriting;

public sealed class GlyphSlantTests
{
    [Fact]
    public void Draws_fill_their_ranges()
    {
        GlyphSlant[] slants = [.. Enumerable.Range(0, 2000).Select(i => GlyphSlant.Draw(new Rng(1).Fork((ulong)i)))];
        Check(slants.Select(slant => slant.Aspect), GlyphSlant.MinimumAspect, GlyphSlant.MaximumAspect);
        Check(slants.Select(slant => slant.Shear), GlyphSlant.MinimumShear, GlyphSlant.MaximumShear);
        Check(slants.Select(slant => slant.HalfTangent), -GlyphSlant.MaximumHalfTangent, GlyphSlant.MaximumHalfTangent);

        static void Check(IEnumerable<float> values, float minimum, float maximum)
        {
            float[] all = [.. values];
            Assert.All(all, value => Assert.InRange(value, minimum, maximum));
            Assert.True(all.Max() - all.Min() > 0.98f * (maximum - minimum));
        }
    }

    [Fact]
    public void The_largest_rotation_is_14_degrees() => Assert.Equal(14, 2 * Math.Atan(GlyphSlant.MaximumHalfTangent) * 180 / Math.PI, 0.01);

    [Fact]
    public void Points_are_stretched_then_sheared_then_rotated()
    {
        const double Angle = 0.2;
        GlyphSlant slant = new(0.8f, 0.3f, (float)Math.Tan(Angle / 2));
        GlyphPoint moved = slant.Apply(new GlyphPoint(0.5f, 0.7f, IsCorner: true));
        double x = (0.8 * 0.5) - (0.3 * 0.7), y = 0.7;
        Assert.Equal((x * Math.Cos(Angle)) - (y * Math.Sin(Angle)), moved.X, 1e-6);
        Assert.Equal((x * Math.Sin(Angle)) + (y * Math.Cos(Angle)), moved.Y, 1e-6);
        Assert.True(moved.IsCorner);
    }
}
