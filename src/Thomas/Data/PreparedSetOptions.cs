using System;

namespace Thomas.Data;

/// <summary>How a <see cref="PreparedSet"/> is made.</summary>
public sealed record PreparedSetOptions
{
    /// <summary>What the model wants. Of this, size and resizing decide what is prepared; the rest is applied when a batch is filled.</summary>
    public required Preprocessing Preprocessing { get; init; }

    /// <summary>Changes for views 1 and up. View 0 is always the plain image.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>Number of views of each image, the plain one included.</summary>
    public int Views { get; init; } = 1;

    /// <summary>Seed of the augmentation.</summary>
    public ulong Seed { get; init; }

    /// <summary>Folder for the cache file, created if needed; null prepares in memory only.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>Threads that read and decode; 0 means one for each processor. Does not change the result.</summary>
    public int Threads { get; init; }

    /// <summary>Whether a class may be left without a usable image, as in a part that only checks; one image at least must be left in all.</summary>
    public bool MayLoseClasses { get; init; }

    /// <summary>
    /// Whether crops that cannot be written to <see cref="CacheDirectory"/> are an error, as under a bound of the memory, rather than kept in memory.
    /// </summary>
    internal bool MustCache { get; init; }

    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Preprocessing);
        ArgumentNullException.ThrowIfNull(Augmentation);
        Preprocessing.Check();
        Augmentation.Check();
        ArgumentOutOfRangeException.ThrowIfLessThan(Views, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        if (Views > 1 && Augmentation.IsNone)
        {
            throw new ArgumentException($"{Views} views of each image need an augmentation; without one they would all be the same.");
        }
    }
}

/// <summary>How far the preparation of a set is.</summary>
/// <param name="Done">Images decoded or found broken.</param>
/// <param name="Total">Images in all.</param>
/// <param name="Broken">Images found broken.</param>
public readonly record struct PrepareProgress(int Done, int Total, int Broken);

/// <summary>An image that was left out.</summary>
/// <param name="Sample">The image.</param>
/// <param name="Reason">Why.</param>
public sealed record BrokenImage(Sample Sample, string Reason);
