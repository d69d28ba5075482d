using System;
using System.Linq;
using SkiaSharp;
using Thomas.App.Results;
using Thomas.Data;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.App;

public sealed class ContactSheetTests
{
    [Theory]
    [InlineData("daisy")]
    [InlineData("Роза")]
    [InlineData("μαργαρίτα")]
    [InlineData("犬")]
    [InlineData("🌷")]
    [InlineData("\u202Eevil")]
    public void Every_name_leaves_ink_even_without_fonts(string name)
    {
        using SKBitmap bitmap = new(200, 40);
        using SKCanvas canvas = new(bitmap);
        using SheetText text = new();
        canvas.Clear(SKColors.White);
        float end = text.Draw(canvas, name, 10, 30, 20, SKColors.Black, 180);
        Assert.InRange(end, 15, 190);
        Assert.Contains(bitmap.Pixels, pixel => pixel.Red < 128);
    }

    [Fact]
    public void A_long_name_is_cut_where_it_fits()
    {
        using SheetText text = new();
        string name = string.Join(' ', Enumerable.Repeat("Chrysanthemum", 20)), cut = text.Fit(name, 15, 100);
        Assert.EndsWith("…", cut, StringComparison.Ordinal);
        Assert.StartsWith(cut[..^1], name, StringComparison.Ordinal);
        Assert.InRange(text.Measure(cut, 15), 80, 100);
        string path = text.Fit(name, 15, 100, cutStart: true);
        Assert.StartsWith("…", path, StringComparison.Ordinal);
        Assert.EndsWith(path[1..], name, StringComparison.Ordinal);
        Assert.Equal("short", text.Fit("short", 15, 100));

        // Not within a character of two parts.
        Assert.DoesNotContain("\uFFFD", text.Fit(string.Concat(Enumerable.Repeat("e\u0301", 50)), 15, 60), StringComparison.Ordinal);
        Assert.Equal("…", text.Fit(name, 15, 0)[^1..]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(ContactSheet.MostTiles)]
    public void The_page_has_a_sensible_size(int tiles)
    {
        RgbImage image = Images.Noise(32, 32, 1);
        SheetTile tile = new(image, image, 1, new SheetLine("", "rose", " 1%"), new SheetLine("taken for ", new string('x', 500), " 99%"), true, "a/b.png");
        byte[] png = ContactSheet.Draw("title", "subtitle", [.. Enumerable.Repeat(tile, tiles)]);
        using SKBitmap page = SKBitmap.Decode(png);
        Assert.InRange(page.Width, 600, 1700);
        Assert.InRange(page.Height, 90, 3000);
    }

    [Fact]
    public void Heat_colors_what_is_hot_and_leaves_the_rest_gray()
    {
        RgbImage image = new(2, 1, [200, 30, 60, 200, 30, 60]);
        byte[] pixels = HeatColors.Over(image, [0, 1]).Pixels;
        Assert.True(pixels[0] == pixels[1] && pixels[1] == pixels[2]);
        Assert.True(pixels[3] > pixels[4] + 50 && pixels[4] > pixels[5], $"{pixels[3]} {pixels[4]} {pixels[5]}");
    }

    [Theory]
    [InlineData("=a/b.png", "./=a/b.png")]
    [InlineData("-a.png", "./-a.png")]
    [InlineData("/=a.png", "/=a.png")]
    [InlineData("a/=b.png", "a/=b.png")]
    [InlineData("", "")]
    public void A_path_is_no_formula(string path, string written) => Assert.Equal(written, CsvTable.Path(path));
}
