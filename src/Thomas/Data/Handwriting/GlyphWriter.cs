using System;
using System.Runtime.InteropServices;

namespace Thomas.Data.Handwriting;

/// <summary>
/// Writes single characters by hand, so to speak: a style, shaky points, an elastic distortion, a lean, a size, a place and a pen are drawn at random.
/// Only additions, products, quotients and square roots are used, all rounded as IEEE 754 says, so the same random numbers give the same bytes on every
/// machine. Not safe for several threads.
/// </summary>
internal sealed class GlyphWriter
{
    /// <summary>Pixels along each side of an image.</summary>
    public const int Side = 28;

    private const float PointJitter = 0.03f;
    private const float StrokeJitter = 0.06f;
    private const float MaximumElasticity = 0.3f;

    // The longer side of the pen's way, in pixels. MNIST's digits measure 20 with their ink.
    private const float MinimumSize = 15, MaximumSize = 20;
    private const float MaximumShift = 2;

    private readonly GlyphPath _path = new();
    private readonly ElasticField _field = new();
    private readonly GlyphRaster _raster = new(Side);
    private GlyphPoint[] _stroke = [];

    /// <summary>Writes a character.</summary>
    /// <param name="character">One of <see cref="GlyphShapes.Characters"/>.</param>
    /// <param name="rng">Decides all about it.</param>
    /// <param name="pixels">Receives [28, 28] bytes, white on black.</param>
    public void Write(char character, Rng rng, Span<byte> pixels)
    {
        GlyphPoint[][][] styles = GlyphShapes.Styles(character);
        TracePath(styles[rng.Next(styles.Length)], rng);
        _field.Draw(rng, rng.Uniform(0, MaximumElasticity));
        GlyphSlant slant = GlyphSlant.Draw(rng);
        Span<GlyphPoint> points = CollectionsMarshal.AsSpan(_path.Points);
        foreach (ref GlyphPoint point in points) point = slant.Apply(_field.Apply(point));

        GlyphPen pen = GlyphPen.Draw(rng);
        Place(points, rng, pen);
        DrawInk(points, rng, pen, pixels);
    }

    // Every point and every stroke as a whole lands a little off.
    private void TracePath(GlyphPoint[][] strokes, Rng rng)
    {
        _path.Clear();
        foreach (GlyphPoint[] stroke in strokes)
        {
            if (_stroke.Length < stroke.Length) _stroke = new GlyphPoint[stroke.Length];
            float offX = Around(rng, StrokeJitter), offY = Around(rng, StrokeJitter);
            for (int i = 0; i < stroke.Length; i++)
                _stroke[i] = stroke[i] with { X = stroke[i].X + offX + Around(rng, PointJitter), Y = stroke[i].Y + offY + Around(rng, PointJitter) };
            _path.AddStroke(_stroke.AsSpan(0, stroke.Length));
        }
    }

    // Scales the way to a random size and puts its center of mass near the image's center, as MNIST has it, but leaves the outermost pixels black.
    private void Place(Span<GlyphPoint> points, Rng rng, GlyphPen pen)
    {
        float left = float.MaxValue, top = float.MaxValue, right = float.MinValue, bottom = float.MinValue;
        foreach (GlyphPoint point in points)
        {
            left = MathF.Min(left, point.X);
            right = MathF.Max(right, point.X);
            top = MathF.Min(top, point.Y);
            bottom = MathF.Max(bottom, point.Y);
        }

        float scale = rng.Uniform(MinimumSize, MaximumSize) / MathF.Max(right - left, bottom - top);
        (float massX, float massY) = CenterOfMass(points);
        float border = 1 + pen.Reach;
        float originX = Shift(massX * scale, left * scale, right * scale, border, rng);
        float originY = Shift(massY * scale, top * scale, bottom * scale, border, rng);
        foreach (ref GlyphPoint point in points) point = new GlyphPoint((point.X * scale) + originX, (point.Y * scale) + originY);
    }

    private static float Shift(float mass, float low, float high, float border, Rng rng)
    {
        float shift = (Side / 2f) + rng.Uniform(-MaximumShift, MaximumShift) - mass;
        return Math.Clamp(shift, border - low, Side - border - high);
    }

    // Mean of the middles of all pieces, weighted by their lengths.
    private (float X, float Y) CenterOfMass(ReadOnlySpan<GlyphPoint> points)
    {
        float sumX = 0, sumY = 0, sum = 0;
        int start = 0;
        foreach (int end in _path.StrokeEnds)
        {
            for (int i = start + 1; i < end; i++)
            {
                GlyphPoint a = points[i - 1], b = points[i];
                float length = MathF.Sqrt(((b.X - a.X) * (b.X - a.X)) + ((b.Y - a.Y) * (b.Y - a.Y)));
                sumX += length * (a.X + b.X) / 2;
                sumY += length * (a.Y + b.Y) / 2;
                sum += length;
            }

            start = end;
        }

        return (sumX / sum, sumY / sum);
    }

    // The pen's pressure changes evenly along each stroke.
    private void DrawInk(ReadOnlySpan<GlyphPoint> points, Rng rng, GlyphPen pen, Span<byte> pixels)
    {
        _raster.Clear();
        int start = 0;
        foreach (int end in _path.StrokeEnds)
        {
            float first = pen.Radius * (1 + rng.Uniform(-GlyphPen.PressureChange, GlyphPen.PressureChange));
            float last = pen.Radius * (1 + rng.Uniform(-GlyphPen.PressureChange, GlyphPen.PressureChange));
            for (int i = start + 1; i < end; i++)
            {
                float radius = first + ((last - first) * (i - start) / (end - start));
                _raster.AddPiece(points[i - 1], points[i], radius, radius + (pen.Softness / 2));
            }

            start = end;
        }

        _raster.Develop(pen.Softness, pen.Peak, pixels);
    }

    // In (-2 * size, 2 * size), near 0 most often: the sum of two even numbers.
    private static float Around(Rng rng, float size) => rng.Uniform(-size, size) + rng.Uniform(-size, size);
}
