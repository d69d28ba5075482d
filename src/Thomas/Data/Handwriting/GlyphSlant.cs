namespace Thomas.Data.Handwriting;

/// <summary>A hand's lean: x stretched by an aspect, then sheared, then rotated. (x, y) becomes R * [aspect * x - shear * y, y].</summary>
/// <param name="Aspect">Factor on the width.</param>
/// <param name="Shear">Shift to the right for each unit upwards; negative leans left.</param>
/// <param name="HalfTangent">Tangent of half the angle of rotation, clockwise.</param>
/// <remarks>The angle is held as a tangent because sine and cosine may differ from one platform to the next in the last bit; a quotient does not.</remarks>
internal readonly record struct GlyphSlant(float Aspect, float Shear, float HalfTangent)
{
    /// <summary>Narrowest and widest.</summary>
    public const float MinimumAspect = 0.7f, MaximumAspect = 1.25f;

    /// <summary>Most hands lean to the right.</summary>
    public const float MinimumShear = -0.25f, MaximumShear = 0.45f;

    /// <summary>14 degrees either way.</summary>
    public const float MaximumHalfTangent = 0.1228f;

    /// <summary>A random lean.</summary>
    public static GlyphSlant Draw(Rng rng) => new(
        rng.Uniform(MinimumAspect, MaximumAspect), rng.Uniform(MinimumShear, MaximumShear), rng.Uniform(-MaximumHalfTangent, MaximumHalfTangent));

    /// <summary>Moves a point.</summary>
    public GlyphPoint Apply(GlyphPoint point)
    {
        float square = HalfTangent * HalfTangent;
        float cosine = (1 - square) / (1 + square), sine = 2 * HalfTangent / (1 + square);
        float x = (Aspect * point.X) - (Shear * point.Y), y = point.Y;
        return point with { X = (cosine * x) - (sine * y), Y = (sine * x) + (cosine * y) };
    }
}
