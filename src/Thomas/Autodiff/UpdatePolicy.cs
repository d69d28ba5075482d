using System;
using System.Globalization;

namespace Thomas.Autodiff;

/// <summary>Which parameters training changes.</summary>
public enum UpdateKind
{
    /// <summary>The last layer with weights.</summary>
    Last,

    /// <summary>The last so many layers with weights, with their batch normalization.</summary>
    LastLayers,

    /// <summary>All biases (the shifts of batch normalization are biases), and the last layer.</summary>
    Bias,

    /// <summary>Scales and shifts of batch normalization, and the last layer.</summary>
    Norm,

    /// <summary>Every parameter.</summary>
    All,

    /// <summary>Every parameter, from random values.</summary>
    Scratch,

    /// <summary>What brings most for its bytes under a memory bound; see <see cref="UpdatePolicy.MemoryBytes"/>.</summary>
    Sparse,
}

/// <summary>An update policy: <c>last</c>, <c>last:N</c>, <c>bias</c>, <c>norm</c>, <c>all</c>, <c>scratch</c> or <c>sparse:MEMORY</c>.</summary>
/// <param name="Kind">Which parameters.</param>
/// <param name="Layers">How many layers, for <see cref="UpdateKind.LastLayers"/>.</param>
/// <param name="MemoryBytes">Peak bytes of a training step, for <see cref="UpdateKind.Sparse"/>.</param>
public readonly record struct UpdatePolicy(UpdateKind Kind, int Layers = 1, long MemoryBytes = 0)
{
    /// <summary>The last layer.</summary>
    public static UpdatePolicy Last => new(UpdateKind.Last);

    /// <summary>Every parameter.</summary>
    public static UpdatePolicy All => new(UpdateKind.All);

    /// <summary>Reads a policy as it is written on the command line.</summary>
    /// <returns>Whether the text is one.</returns>
    public static bool TryParse(string text, out UpdatePolicy policy)
    {
        ArgumentNullException.ThrowIfNull(text);
        policy = default;
        string[] parts = text.Split(':');
        switch (parts)
        {
            case ["last"]: policy = Last; return true;
            case ["last", var count] when int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out int layers) && layers > 0:
                policy = new UpdatePolicy(UpdateKind.LastLayers, layers);
                return true;
            case ["bias"]: policy = new UpdatePolicy(UpdateKind.Bias); return true;
            case ["norm"]: policy = new UpdatePolicy(UpdateKind.Norm); return true;
            case ["all"]: policy = All; return true;
            case ["scratch"]: policy = new UpdatePolicy(UpdateKind.Scratch); return true;
            case ["sparse", var size] when ByteSize.TryParse(size, out long bytes):
                policy = new UpdatePolicy(UpdateKind.Sparse, MemoryBytes: bytes);
                return true;
            default: return false;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        UpdateKind.LastLayers => string.Create(CultureInfo.InvariantCulture, $"last:{Layers}"),
        UpdateKind.Sparse => $"sparse:{ByteSize.Format(MemoryBytes)}",
        _ => Kind.ToString().ToLowerInvariant(),
    };
}
