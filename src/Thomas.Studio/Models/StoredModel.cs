using System.Text.Json.Serialization;

namespace Thomas.Studio.Models;

/// <summary>A model that the studio keeps, as its <c>about.json</c> describes it.</summary>
internal sealed record StoredModel
{
    /// <summary>The form of the file.</summary>
    public const int CurrentVersion = 1;

    /// <summary>See <see cref="CurrentVersion"/>.</summary>
    public required int Version { get; init; }

    /// <summary>Name of its folder.</summary>
    public required string Id { get; init; }

    /// <summary>What to call it.</summary>
    public required string Name { get; init; }

    /// <summary>Name of the file that it came from.</summary>
    public required string File { get; init; }

    /// <summary>Whether it is a <c>.tflite</c>; else it is an <c>.onnx</c>.</summary>
    public required bool IsTfLite { get; init; }

    /// <summary>Bytes of the file.</summary>
    public required long Bytes { get; init; }

    /// <summary>Size of its images.</summary>
    public required int Width { get; init; }

    /// <summary>Size of its images.</summary>
    public required int Height { get; init; }

    /// <summary>1 for gray images, 3 for colored ones.</summary>
    public required int Channels { get; init; }

    /// <summary>Its own classes; null for a feature extractor.</summary>
    public int? Classes { get; init; }

    /// <summary>Whether its own classes have names.</summary>
    public bool HasLabels { get; init; }

    /// <summary>What a person should know of it.</summary>
    public string? Note { get; init; }

    /// <summary>Whether the program has made it itself.</summary>
    [JsonIgnore]
    public bool IsStarter => Id == ModelStore.StarterId;

    /// <summary>Whether photos make sense to it: colored, and large enough to see more than a sign.</summary>
    [JsonIgnore]
    public bool IsPhoto => Channels == 3 && Width >= 64 && Height >= 64;

    /// <summary>As the API shows it.</summary>
    /// <param name="preparing">The share that is done of a model that is being made; null for one that is not.</param>
    public ModelReply ToReply(double? preparing = null) => new(
        Id, Name, File, Bytes, new InputReply(Width, Height, Channels), Classes, HasLabels, IsStarter, IsPhoto, Sentence.OfNullable(Note), preparing);
}
