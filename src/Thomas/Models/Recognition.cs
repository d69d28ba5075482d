using System.Collections.Generic;

namespace Thomas;

/// <summary>What a model makes of an image, and whether the image is like those that it was trained on.</summary>
/// <param name="Scores">The best classes, best first, as without a threshold: of an unknown image, what it is nearest to.</param>
/// <param name="Similarity">
/// Mean of the five highest cosines between the image's feature vector and the training vectors that the model carries, -1 to 1. Null where the model has no
/// threshold.
/// </param>
/// <param name="Threshold">The similarity below which an image is unknown; null where the model has none.</param>
public sealed record Recognition(IReadOnlyList<ClassScore> Scores, float? Similarity, float? Threshold)
{
    /// <summary>Whether the image is of none of the classes, as far as its similarity tells; false where the model has no threshold.</summary>
    public bool IsUnknown => Similarity < Threshold;
}
