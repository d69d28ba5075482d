using System;

namespace Thomas.Data;

/// <summary>Words by which folders and manifests name the parts of a data set.</summary>
internal static class SubsetNames
{
    private static readonly string[] Endings = ["set", "data", "images", "split"];

    /// <summary>
    /// The subset that a word names, whatever its case: train or training; val, valid, validation, eval, evaluation, dev or holdout; test or testing; each also
    /// with set, data, images or split behind it, as in <c>test_set</c>. Null if it names none.
    /// </summary>
    public static Subset? Parse(string word)
    {
        string name = word.Trim().ToLowerInvariant();
        foreach (string ending in Endings)
        {
            if (name.Length > ending.Length && name.EndsWith(ending, StringComparison.Ordinal)) name = name[..^ending.Length].TrimEnd('_', '-', ' ', '.');
        }

        return name switch
        {
            "train" or "training" => Subset.Train,
            "val" or "valid" or "validation" or "eval" or "evaluation" or "dev" or "holdout" or "hold-out" or "hold_out" => Subset.Validation,
            "test" or "testing" => Subset.Test,
            _ => null,
        };
    }
}
