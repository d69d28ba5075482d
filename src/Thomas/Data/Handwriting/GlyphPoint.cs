namespace Thomas.Data.Handwriting;

/// <summary>A point that the pen passes, in a box of height 1 with y pointing down.</summary>
/// <param name="X">From the left edge.</param>
/// <param name="Y">From the top.</param>
/// <param name="IsCorner">Whether the pen changes direction here; else it passes smoothly.</param>
internal readonly record struct GlyphPoint(float X, float Y, bool IsCorner = false);
