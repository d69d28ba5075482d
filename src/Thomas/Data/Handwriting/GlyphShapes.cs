using System;
using System.Collections.Generic;
using System.Globalization;

namespace Thomas.Data.Handwriting;

/// <summary>
/// How people write the digits and the letters A to J: for each character a few styles, for each style its strokes, for each stroke the points that the pen
/// passes.
/// </summary>
internal static class GlyphShapes
{
    /// <summary>The characters there are, in the order of <see cref="Texts"/>.</summary>
    public const string Characters = "0123456789ABCDEFGHIJ";

    // One string a style: strokes apart by '/', points as x,y in hundredths of the height, '|' behind a corner.
    private static readonly string[][] Texts =
    [
        [
            "35,0 10,18 2,50 10,84 34,100 58,86 68,50 58,16 36,1",
            "48,6 26,2 6,28 4,66 22,98 48,94 66,62 62,22 44,3 28,6",
        ],
        [
            "30,0 30,100",
            "8,24 32,0| 32,100",
            "8,24 32,0| 32,100 / 6,100 58,100",
        ],
        [
            "6,22 18,4 40,0 58,12 60,32 44,58 4,98| 66,97",
            "8,20 22,2 46,2 58,20 48,48 22,82 6,92 4,80 18,78 38,92 54,98 68,88",
            "4,14 26,0 50,6 56,26 40,56 8,96| 34,92 64,98",
        ],
        [
            "6,10 28,0 52,8 54,28 40,44 22,48| 46,52 62,68 58,88 34,100 4,90",
            "6,4 58,4| 28,42| 52,48 62,68 52,92 28,100 4,90",
            "8,12 30,0 54,14 46,38 26,46 52,56 60,78 40,99 6,92",
        ],
        [
            "16,2 4,58| 68,56 / 50,20 47,100",
            "46,0 2,66| 70,64 / 47,2 45,100",
            "10,4 8,36 20,54 52,50 / 56,2 54,52 50,100",
        ],
        [
            "16,2 10,44| 34,36 58,48 62,72 46,96 20,100 2,88 / 16,3 60,2",
            "62,2 16,4| 10,44| 36,36 60,52 60,78 40,98 4,92",
            "60,4 26,5 14,24 20,42 46,50 58,72 42,97 6,94",
        ],
        [
            "50,2 22,22 4,58 10,90 34,100 58,84 54,60 32,52 8,68",
            "44,0 8,62 14,92 38,98 56,82 50,60 28,56 8,74",
        ],
        [
            "4,4 62,4| 24,100",
            "4,6 62,2| 42,44 26,100 / 14,50 56,48",
            "6,20 8,2| 62,4| 46,36 32,100",
            "2,8 30,2 60,6 46,40 30,98",
        ],
        [
            "56,14 36,0 12,10 14,30 38,46 60,66 56,90 32,100 8,88 8,66 30,48 54,30 58,14",
            "34,0 12,12 14,36 34,46 54,34 54,10 34,0 / 34,46 6,62 8,90 34,100 60,90 62,62 34,46",
        ],
        [
            "56,14 34,0 8,16 8,40 30,50 54,36 58,12| 54,56 48,100",
            "58,18 38,0 12,10 8,34 28,48 50,38 58,16 60,50 48,86 22,100 6,92",
            "52,10 28,2 6,22 14,46 40,44 54,14| 50,100",
        ],
        [
            "34,0 2,100 / 34,0 68,100 / 14,64 58,64",
            "4,100 8,40 22,6 38,0 54,10 62,46 66,100 / 6,58 64,56",
            "4,98 30,2| 60,98 / 6,70 66,54",
        ],
        [
            "10,0 10,100 / 10,2 40,0 58,14 52,36 14,48| 46,50 66,70 58,94 8,100",
            "12,100 12,4| 44,2 56,20 44,42 16,48| 50,54 64,76 48,98 10,98",
            "16,4 12,98 / 2,12 34,0 58,12 48,40 22,48| 54,52 66,76 46,100 4,98",
        ],
        [
            "62,16 40,0 14,14 2,48 12,86 38,100 64,86",
            "56,26 58,8 36,0 12,20 2,56 16,92 42,98 62,82",
            "64,6 30,8 6,36 6,72 30,96 66,92",
        ],
        [
            "10,0 10,100 / 2,2 38,6 64,36 60,72 34,98 2,100",
            "12,4 10,98| 44,92 66,56 54,18 24,2 2,8",
            "14,2 14,98 / 14,2 50,12 66,50 46,92 14,98",
        ],
        [
            "10,0 10,100 / 10,2 62,0 / 10,50 52,48 / 10,100 64,98",
            "60,2 12,2| 10,98| 64,98 / 10,50 48,48",
            "58,10 34,0 12,14 18,40 40,47| 12,56 2,80 20,98 60,90",
        ],
        [
            "12,0 12,100 / 12,2 64,0 / 12,46 52,44",
            "62,4 12,2| 10,100 / 10,48 50,46",
            "4,12 30,2 68,4 / 38,4 34,60 22,96 4,92 / 18,48 54,44",
        ],
        [
            "62,18 40,0 14,12 2,48 12,86 38,100 62,84 64,56| 38,56",
            "60,14 34,0 8,22 2,60 20,96 46,94 62,66 / 40,60 66,58| 64,100",
            "58,20 40,2 12,16 4,56 22,92 48,86 60,58| 60,98 / 36,58 70,58",
        ],
        [
            "8,0 8,100 / 60,0 60,100 / 8,50 60,50",
            "8,2 6,98 / 62,0 60,100 / 0,56 68,46",
            "8,2 8,98| 8,54| 58,46| 60,2| 60,98",
        ],
        [
            "4,2 56,2 / 30,2 30,98 / 4,98 56,98",
            "14,2 46,0 / 30,2 28,98 / 12,98 46,97",
            "6,14 28,2 54,8 / 32,4 28,96 / 4,92 30,98 54,88",
        ],
        [
            "14,2 62,2 / 42,2 42,76 30,98 12,96 2,78",
            "50,0 50,72 38,98 14,98 2,78",
            "28,6 68,0 / 52,2 50,60 40,92 18,100 4,82",
        ],
    ];

    private static readonly GlyphPoint[][][][] Parsed = ParseAll();

    /// <summary>The styles of a character.</summary>
    /// <param name="character">One of <see cref="Characters"/>.</param>
    /// <returns>Styles, strokes, points.</returns>
    public static GlyphPoint[][][] Styles(char character) => Parsed[Characters.IndexOf(character, StringComparison.Ordinal)];

    private static GlyphPoint[][][][] ParseAll()
    {
        GlyphPoint[][][][] all = new GlyphPoint[Texts.Length][][][];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = new GlyphPoint[Texts[i].Length][][];
            for (int style = 0; style < Texts[i].Length; style++)
            {
                string[] strokes = Texts[i][style].Split(" / ");
                all[i][style] = new GlyphPoint[strokes.Length][];
                for (int stroke = 0; stroke < strokes.Length; stroke++)
                {
                    all[i][style][stroke] = ParseStroke(strokes[stroke]);
                }
            }
        }

        return all;
    }

    private static GlyphPoint[] ParseStroke(string text)
    {
        List<GlyphPoint> points = [];
        foreach (string point in text.Split(' '))
        {
            int comma = point.IndexOf(',', StringComparison.Ordinal);
            bool isCorner = point[^1] == '|';
            int x = int.Parse(point.AsSpan(0, comma), CultureInfo.InvariantCulture);
            int y = int.Parse(isCorner ? point.AsSpan(comma + 1).TrimEnd('|') : point.AsSpan(comma + 1), CultureInfo.InvariantCulture);
            points.Add(new GlyphPoint(x / 100f, y / 100f, isCorner));
        }

        return [.. points];
    }
}
