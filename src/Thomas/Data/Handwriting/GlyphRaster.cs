using System;

namespace Thomas.Data.Handwriting;

/// <summary>Ink on a square of pixels. A pen leaves a round dot of some radius at every point of its way, with a soft edge.</summary>
/// <param name="side">Pixels along each side.</param>
internal sealed class GlyphRaster(int side)
{
    // For each pixel how deep its center lies under ink: the largest radius minus distance. Negative is outside.
    private readonly float[] _depth = new float[side * side];

    /// <summary>Begins an empty image.</summary>
    public void Clear() => Array.Fill(_depth, float.NegativeInfinity);

    /// <summary>Draws a straight piece; coordinates are in pixels, pixel (0, 0) spans [0, 1).</summary>
    /// <param name="from">Where it begins.</param>
    /// <param name="to">Where it ends.</param>
    /// <param name="radius">Radius of the pen.</param>
    /// <param name="reach">Distance from the piece up to which pixels may be inked; at least the radius plus half the softness.</param>
    public void AddPiece(GlyphPoint from, GlyphPoint to, float radius, float reach)
    {
        float dx = to.X - from.X, dy = to.Y - from.Y;
        float squared = (dx * dx) + (dy * dy);
        float perSquare = squared > 0 ? 1 / squared : 0;
        int left = Pixel(MathF.Min(from.X, to.X) - reach), right = Pixel(MathF.Max(from.X, to.X) + reach);
        int top = Pixel(MathF.Min(from.Y, to.Y) - reach), bottom = Pixel(MathF.Max(from.Y, to.Y) + reach);
        for (int row = top; row <= bottom; row++)
        {
            float y = row + 0.5f - from.Y;
            for (int column = left; column <= right; column++)
            {
                float x = column + 0.5f - from.X;
                float along = Math.Clamp(((x * dx) + (y * dy)) * perSquare, 0, 1);
                float offX = x - (along * dx), offY = y - (along * dy);
                float depth = radius - MathF.Sqrt((offX * offX) + (offY * offY));
                int pixel = (row * side) + column;
                if (depth > _depth[pixel]) _depth[pixel] = depth;
            }
        }
    }

    /// <summary>Turns ink into grey levels.</summary>
    /// <param name="softness">Pixels over which the ink fades out; its half lies outside the radius.</param>
    /// <param name="peak">Grey level of full ink.</param>
    /// <param name="pixels">Receives [side, side] bytes, 0 where there is no ink.</param>
    public void Develop(float softness, float peak, Span<byte> pixels)
    {
        for (int i = 0; i < _depth.Length; i++)
        {
            float ink = Math.Clamp((_depth[i] / softness) + 0.5f, 0, 1);
            pixels[i] = (byte)((ink * ink * (3 - (2 * ink)) * peak) + 0.5f);
        }
    }

    private int Pixel(float coordinate) => Math.Clamp((int)MathF.Floor(coordinate), 0, side - 1);
}
