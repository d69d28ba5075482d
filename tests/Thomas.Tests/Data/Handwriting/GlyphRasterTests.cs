using System;
using Thomas.Data.Handwriting;
using Xunit;

namespace Thomas.Tests.Data.Handwriting;

public sealed class GlyphRasterTests
{
    private const int Side = 12;

    [Fact]
    public void Ink_depends_on_the_distance_from_the_piece()
    {
        const float Radius = 1.25f, Softness = 1.5f;
        GlyphPoint from = new(2.3f, 3.1f), to = new(8.9f, 7.4f);
        byte[] pixels = Draw(raster => raster.AddPiece(from, to, Radius, Radius + (Softness / 2)), Softness, 200);
        double dx = to.X - from.X, dy = to.Y - from.Y;
        for (int p = 0; p < pixels.Length; p++)
        {
            double x = (p % Side) + 0.5 - from.X, y = (p / Side) + 0.5 - from.Y;
            double along = Math.Clamp(((x * dx) + (y * dy)) / ((dx * dx) + (dy * dy)), 0, 1);
            double ink = Math.Clamp(((Radius - Math.Sqrt(Math.Pow(x - (along * dx), 2) + Math.Pow(y - (along * dy), 2))) / Softness) + 0.5, 0, 1);
            Assert.Equal(200 * ink * ink * (3 - (2 * ink)), pixels[p], 0.51);
        }
    }

    [Fact]
    public void A_dot_is_round_and_pieces_do_not_add_up()
    {
        GlyphPoint center = new(6, 6);
        byte[] once = Draw(raster => raster.AddPiece(center, center, 2, 2.5f), 1, 255);
        byte[] twice = Draw(
            raster =>
            {
                raster.AddPiece(center, center, 2, 2.5f);
                raster.AddPiece(center, center, 1, 1.5f);
            },
            1,
            255);
        Assert.Equal(once, twice);
        Assert.Equal(255, once[(5 * Side) + 5]);
        Assert.Equal(0, once[(6 * Side) + 3]);
        for (int p = 0; p < once.Length; p++) Assert.Equal(once[p], once[(p % Side * Side) + (p / Side)]);
    }

    [Fact]
    public void Ink_outside_is_cut_and_an_empty_image_is_black()
    {
        Assert.All(Draw(_ => { }, 1, 255), pixel => Assert.Equal(0, pixel));
        byte[] crossing = Draw(raster => raster.AddPiece(new GlyphPoint(-5, 0.5f), new GlyphPoint(20, 0.5f), 0.5f, 1), 1, 255);
        Assert.All(crossing[..Side], pixel => Assert.Equal(255, pixel));
        Assert.All(crossing[(2 * Side)..], pixel => Assert.Equal(0, pixel));
    }

    private static byte[] Draw(Action<GlyphRaster> draw, float softness, float peak)
    {
        GlyphRaster raster = new(Side);
        raster.AddPiece(new GlyphPoint(0, 0), new GlyphPoint(Side, Side), 9, 9);
        raster.Clear();
        draw(raster);
        byte[] pixels = new byte[Side * Side];
        raster.Develop(softness, peak, pixels);
        return pixels;
    }
}
