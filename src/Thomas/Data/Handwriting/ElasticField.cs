using System;

namespace Thomas.Data.Handwriting;

/// <summary>
/// A smooth random displacement of the plane, as Simard, Steinkraus and Platt (2003) distort digits. Where they blur noise with a Gaussian, random vectors on a
/// coarse lattice are the coefficients of a uniform cubic B-spline, which is nearly the same and needs additions and products only.
/// </summary>
internal sealed class ElasticField
{
    // The lattice covers [-Margin, 1 + Margin] and one node more on each side, as cubic splines need.
    private const float Margin = 0.3f;
    private const int Cells = 4;
    private const int Nodes = Cells + 3;
    private const float CellsPerUnit = Cells / (1 + (2 * Margin));

    private readonly float[] _dx = new float[Nodes * Nodes];
    private readonly float[] _dy = new float[Nodes * Nodes];

    /// <summary>Draws a new field.</summary>
    /// <param name="rng">Random numbers.</param>
    /// <param name="strength">Largest displacement of a node along each axis; no point moves farther.</param>
    public void Draw(Rng rng, float strength)
    {
        for (int i = 0; i < _dx.Length; i++)
        {
            _dx[i] = rng.Uniform(-strength, strength);
            _dy[i] = rng.Uniform(-strength, strength);
        }
    }

    /// <summary>Moves a point; beyond the lattice the field continues its edge.</summary>
    public GlyphPoint Apply(GlyphPoint point)
    {
        Span<float> weightsX = stackalloc float[4];
        Span<float> weightsY = stackalloc float[4];
        int column = Weights(point.X, weightsX), row = Weights(point.Y, weightsY);
        float dx = 0, dy = 0;
        for (int j = 0; j < 4; j++)
        {
            for (int i = 0; i < 4; i++)
            {
                int node = ((row + j) * Nodes) + column + i;
                float weight = weightsY[j] * weightsX[i];
                dx += weight * _dx[node];
                dy += weight * _dy[node];
            }
        }

        return point with { X = point.X + dx, Y = point.Y + dy };
    }

    // The first node and the four B-spline weights at a coordinate.
    private static int Weights(float coordinate, Span<float> weights)
    {
        float at = Math.Clamp((coordinate + Margin) * CellsPerUnit, 0, Cells);
        int cell = Math.Min((int)at, Cells - 1);
        float t = at - cell, s = 1 - t;
        weights[0] = s * s * s / 6;
        weights[1] = (4 - (6 * t * t) + (3 * t * t * t)) / 6;
        weights[2] = (4 - (6 * s * s) + (3 * s * s * s)) / 6;
        weights[3] = t * t * t / 6;
        return cell;
    }
}
