using System;
using System.Collections.Generic;

namespace Thomas.Data.Handwriting;

/// <summary>
/// The way of the pen as short straight pieces. Curves are centripetal Catmull-Rom splines (Yuksel, Schaefer and Keyser 2011), which pass their points without
/// loops however unevenly these lie.
/// </summary>
internal sealed class GlyphPath
{
    private const int PiecesPerSpan = 6;

    private readonly List<GlyphPoint> _points = [];
    private readonly List<int> _strokeEnds = [];

    /// <summary>The points of all strokes, one stroke after the other.</summary>
    public List<GlyphPoint> Points => _points;

    /// <summary>For each stroke the index behind its last point.</summary>
    public List<int> StrokeEnds => _strokeEnds;

    /// <summary>Removes all strokes.</summary>
    public void Clear()
    {
        _points.Clear();
        _strokeEnds.Clear();
    }

    /// <summary>Adds a stroke through the given points.</summary>
    public void AddStroke(ReadOnlySpan<GlyphPoint> points)
    {
        _points.Add(points[0]);
        int start = 0;
        for (int i = 1; i < points.Length; i++)
        {
            if (points[i].IsCorner || i == points.Length - 1)
            {
                AddSmooth(points[start..(i + 1)]);
                start = i;
            }
        }

        _strokeEnds.Add(_points.Count);
    }

    // Adds the curve behind its first point, which is there already.
    private void AddSmooth(ReadOnlySpan<GlyphPoint> run)
    {
        for (int i = 0; i + 1 < run.Length; i++)
        {
            GlyphPoint p1 = run[i], p2 = run[i + 1];
            // Beyond its ends a curve goes on as if mirrored.
            GlyphPoint p0 = i > 0 ? run[i - 1] : new GlyphPoint((2 * p1.X) - p2.X, (2 * p1.Y) - p2.Y);
            GlyphPoint p3 = i + 2 < run.Length ? run[i + 2] : new GlyphPoint((2 * p2.X) - p1.X, (2 * p2.Y) - p1.Y);
            float before = RootOfDistance(p0, p1), at = RootOfDistance(p1, p2), after = RootOfDistance(p2, p3);
            for (int piece = 1; piece <= PiecesPerSpan; piece++)
            {
                float t = piece / (float)PiecesPerSpan;
                _points.Add(new GlyphPoint(
                    Hermite(p1.X, p2.X, Tangent(p0.X, p1.X, p2.X, before, at, at), Tangent(p1.X, p2.X, p3.X, at, after, at), t),
                    Hermite(p1.Y, p2.Y, Tangent(p0.Y, p1.Y, p2.Y, before, at, at), Tangent(p1.Y, p2.Y, p3.Y, at, after, at), t)));
            }
        }
    }

    // Centripetal knots: distances to the power 1/2. Points may coincide.
    private static float RootOfDistance(GlyphPoint a, GlyphPoint b)
    {
        float x = b.X - a.X, y = b.Y - a.Y;
        return MathF.Max(1e-3f, MathF.Sqrt(MathF.Sqrt((x * x) + (y * y))));
    }

    // Derivative at b of the parabola through a, b, c with knots apart by ab and bc, for a span of the given length.
    private static float Tangent(float a, float b, float c, float ab, float bc, float span) =>
        (((b - a) / ab) - ((c - a) / (ab + bc)) + ((c - b) / bc)) * span;

    private static float Hermite(float from, float to, float tangentFrom, float tangentTo, float t)
    {
        float difference = to - from;
        float a = tangentFrom + tangentTo - (2 * difference);
        float b = (3 * difference) - (2 * tangentFrom) - tangentTo;
        return from + (t * (tangentFrom + (t * (b + (t * a)))));
    }
}
