namespace Thomas.Data.Handwriting;

/// <summary>A pen.</summary>
/// <param name="Radius">Radius of its dot in pixels at mean pressure.</param>
/// <param name="Softness">Pixels over which the ink fades out at an edge.</param>
/// <param name="Peak">Grey level of full ink.</param>
internal readonly record struct GlyphPen(float Radius, float Softness, float Peak)
{
    /// <summary>Pressure changes the radius by up to this share.</summary>
    public const float PressureChange = 0.25f;

    /// <summary>Distance from the pen's way beyond which there is no ink.</summary>
    public float Reach => (Radius * (1 + PressureChange)) + (Softness / 2);

    /// <summary>A random pen.</summary>
    public static GlyphPen Draw(Rng rng) => new(rng.Uniform(0.7f, 1.7f), rng.Uniform(0.8f, 1.8f), rng.Uniform(190, 255));
}
