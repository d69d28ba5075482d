using System.Collections.Generic;
using System.Linq;
using Thomas.Data.Handwriting;
using Xunit;

namespace Thomas.Tests.Data.Handwriting;

public sealed class GlyphShapesTests
{
    public static TheoryData<char> Characters => [.. GlyphShapes.Characters];

    [Theory]
    [MemberData(nameof(Characters))]
    public void Every_character_has_styles_that_fill_their_box(char character)
    {
        GlyphPoint[][][] styles = GlyphShapes.Styles(character);
        Assert.True(styles.Length >= 2);
        Assert.Equal(styles.Length, styles.Select(style => string.Join(';', style.SelectMany(stroke => stroke))).Distinct().Count());
        foreach (GlyphPoint[][] style in styles)
        {
            Assert.All(style, stroke => Assert.True(stroke.Length >= 2));
            List<GlyphPoint> points = [.. style.SelectMany(stroke => stroke)];
            Assert.All(points, point => Assert.InRange(point.X, 0, 0.75f));
            Assert.All(points, point => Assert.InRange(point.Y, 0, 1));
            Assert.True(points.Max(point => point.Y) - points.Min(point => point.Y) >= 0.9f);
        }
    }

    [Fact]
    public void Strokes_points_and_corners_are_read()
    {
        GlyphPoint[][] withFoot = GlyphShapes.Styles('1')[2];
        Assert.Equal([new GlyphPoint(0.08f, 0.24f), new GlyphPoint(0.32f, 0, IsCorner: true), new GlyphPoint(0.32f, 1)], withFoot[0]);
        Assert.Equal([new GlyphPoint(0.06f, 1), new GlyphPoint(0.58f, 1)], withFoot[1]);
    }
}
