using System;
using System.Collections.Generic;
using SkiaSharp;
using Thomas.Data;

namespace Thomas.App.Results;

/// <summary>A line with a name in it, which is cut where there is no room for the whole line; what is around it stays.</summary>
internal sealed record SheetLine(string Before, string Name, string After);

/// <summary>One image of a sheet.</summary>
/// <param name="Image">What the model saw of it.</param>
/// <param name="Heat">The same with a heat map over it; null for none.</param>
/// <param name="Aspect">Width by height of the original where the model saw it stretched; 1 else.</param>
/// <param name="Title">The first line below.</param>
/// <param name="Verdict">The second line below.</param>
/// <param name="IsWrong">Whether the second line tells of a mistake.</param>
/// <param name="Path">The third line, small: the file.</param>
internal sealed record SheetTile(RgbImage Image, RgbImage? Heat, double Aspect, SheetLine Title, SheetLine Verdict, bool IsWrong, string Path);

/// <summary>A page of images with text below each, as a PNG.</summary>
internal static class ContactSheet
{
    /// <summary>The most images of a page: as many as can be looked at, and no more than a page of a few megapixels holds.</summary>
    public const int MostTiles = 60;

    private const int Margin = 28, Gap = 20, PairGap = 4, LargeSide = 280, SmallSide = 152, FewTiles = 4, MostWidth = 1700, LeastWidth = 620;
    private const float TitleSize = 22, SubtitleSize = 14, NameSize = 15, VerdictSize = 14, PathSize = 11;
    private const int HeaderHeight = 78, CaptionHeight = 66;

    private static readonly SKColor Ink = new(0x20, 0x20, 0x20), Faint = new(0x70, 0x70, 0x70), Wrong = new(0xB0, 0x1E, 0x1E), Paper = SKColors.White;
    private static readonly SKColor Frame = new(0xEE, 0xEE, 0xEE);

    /// <summary>Draws the page.</summary>
    /// <param name="title">Its heading.</param>
    /// <param name="subtitle">What is on it, in smaller type.</param>
    /// <param name="tiles">The images.</param>
    /// <returns>The bytes of a PNG file.</returns>
    public static byte[] Draw(string title, string subtitle, IReadOnlyList<SheetTile> tiles)
    {
        bool paired = false;
        foreach (SheetTile tile in tiles) paired |= tile.Heat is not null;
        int side = tiles.Count <= FewTiles ? LargeSide : SmallSide, width = paired ? (2 * side) + PairGap : side;
        int columns = Math.Clamp((MostWidth - (2 * Margin) + Gap) / (width + Gap), 1, Math.Max(1, Balanced(tiles.Count)));
        int rows = (tiles.Count + columns - 1) / columns;
        int pageWidth = Math.Max(LeastWidth, (2 * Margin) + (columns * (width + Gap)) - Gap);
        int pageHeight = Margin + HeaderHeight + (rows * (side + CaptionHeight));
        using SKBitmap page = new(new SKImageInfo(pageWidth, pageHeight, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using SKCanvas canvas = new(page);
        using SheetText text = new();
        canvas.Clear(Paper);
        text.Draw(canvas, title, Margin, Margin + 20, TitleSize, Ink, pageWidth - (2 * Margin), isBold: true);
        text.Draw(canvas, subtitle, Margin, Margin + 46, SubtitleSize, Faint, pageWidth - (2 * Margin));
        for (int i = 0; i < tiles.Count; i++)
        {
            int left = Margin + (i % columns * (width + Gap)), top = Margin + HeaderHeight + (i / columns * (side + CaptionHeight));
            Place(canvas, tiles[i].Image, tiles[i].Aspect, left, top, side);
            if (tiles[i].Heat is RgbImage heat) Place(canvas, heat, tiles[i].Aspect, left + side + PairGap, top, side);
            Caption(canvas, text, tiles[i], left, top + side, width);
        }

        using SKData data = page.Encode(SKEncodedImageFormat.Png, 100)
            ?? throw new InvalidOperationException($"A page of {pageWidth}x{pageHeight} pixels could not be encoded.");
        return data.ToArray();
    }

    /// <summary>Columns of a page that is no taller than a screen or two.</summary>
    private static int Balanced(int tiles) => tiles <= FewTiles ? 2 : (int)Math.Ceiling(Math.Sqrt(tiles * 1.2));

    private static void Caption(SKCanvas canvas, SheetText text, SheetTile tile, int left, int top, int width)
    {
        Line(canvas, text, tile.Title, left, top + 18, NameSize, Ink, width, isBold: true);
        Line(canvas, text, tile.Verdict, left, top + 36, VerdictSize, tile.IsWrong ? Wrong : Ink, width, isBold: false);
        text.Draw(canvas, tile.Path, left, top + 51, PathSize, Faint, width, cutStart: true);
    }

    private static void Line(SKCanvas canvas, SheetText text, SheetLine line, int left, int baseline, float size, SKColor color, int width, bool isBold)
    {
        float room = width - text.Measure(line.Before, size, isBold) - text.Measure(line.After, size, isBold);
        float x = text.Draw(canvas, line.Before, left, baseline, size, color, width, isBold);
        x = text.Draw(canvas, line.Name, x, baseline, size, color, room, isBold);
        text.Draw(canvas, line.After, x, baseline, size, color, width, isBold);
    }

    /// <summary>Draws an image into a square, as large as its shape allows.</summary>
    private static void Place(SKCanvas canvas, RgbImage image, double aspect, int left, int top, int side)
    {
        float width = (float)Math.Min(side, side * aspect), height = (float)Math.Min(side, side / aspect);
        SKRect place = SKRect.Create(left + ((side - width) / 2), top + ((side - height) / 2), width, height);
        using SKPaint frame = new() { Color = Frame };
        canvas.DrawRect(SKRect.Create(left, top, side, side), frame);
        using SKBitmap bitmap = ToBitmap(image);
        using SKImage drawn = SKImage.FromBitmap(bitmap);

        // Few pixels are shown as what they are; many are averaged.
        SKSamplingOptions sampling = image.Width * 2 <= width ? new(SKFilterMode.Nearest) : new(SKFilterMode.Linear, SKMipmapMode.Linear);
        canvas.DrawImage(drawn, place, sampling);
    }

    private static SKBitmap ToBitmap(RgbImage image)
    {
        SKBitmap bitmap = new(new SKImageInfo(image.Width, image.Height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        Span<byte> target = bitmap.GetPixelSpan();
        for (int y = 0; y < image.Height; y++)
        {
            ReadOnlySpan<byte> source = image.Pixels.AsSpan(y * image.Width * 3, image.Width * 3);
            Span<byte> row = target.Slice(y * bitmap.RowBytes, image.Width * 4);
            for (int x = 0; x < image.Width; x++)
            {
                source.Slice(x * 3, 3).CopyTo(row[(x * 4)..]);
                row[(x * 4) + 3] = byte.MaxValue;
            }
        }

        return bitmap;
    }
}
