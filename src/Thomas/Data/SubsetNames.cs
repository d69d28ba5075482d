namespace Thomas.Data;

/// <summary>Words by which folders and manifests name the parts of a data set.</summary>
internal static class SubsetNames
{
    /// <summary>The subset that a word names, whatever its case; null if it names none.</summary>
    public static Subset? Parse(string word) => word.ToLowerInvariant() switch
    {
        "train" or "training" => Subset.Train,
        "val" or "valid" or "validation" => Subset.Validation,
        "test" => Subset.Test,
        _ => null,
    };
}
