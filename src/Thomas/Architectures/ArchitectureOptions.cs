namespace Thomas.Architectures;

/// <summary>What a new network is to be.</summary>
public sealed record ArchitectureOptions
{
    /// <summary>Number of classes, at least 2: the length of the logits.</summary>
    public required int Classes { get; init; }

    /// <summary>Height of the input in pixels; 0 takes <see cref="Architecture.DefaultSize"/>.</summary>
    public int Height { get; init; }

    /// <summary>Width of the input in pixels; 0 takes <see cref="Architecture.DefaultSize"/>.</summary>
    public int Width { get; init; }

    /// <summary>Channels of the input; 0 takes <see cref="Architecture.DefaultChannels"/>.</summary>
    public int Channels { get; init; }

    /// <summary>Factor on the channels of every layer, above 0 and at most 4; other than 1 only where <see cref="Architecture.HasWidthMultiplier"/>.</summary>
    public float WidthMultiplier { get; init; } = 1;

    /// <summary>
    /// In what the network differs from the published one: words of <see cref="Architecture.Variants"/>, parted by commas, for example <c>relu6,same</c>.
    /// </summary>
    public string Variant { get; init; } = "";

    /// <summary>Whether weights are left as the memory is, for a network of which only names and shapes are looked at.</summary>
    internal bool IsBlank { get; init; }

    /// <summary>Seed of the initial weights: the same seed gives the same weights.</summary>
    public ulong Seed { get; init; }
}
