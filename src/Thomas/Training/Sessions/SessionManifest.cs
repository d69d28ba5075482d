using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Thomas.Training;

/// <summary>What a session depends on, as it stands in its folder: a small text that is written once. Readers skip members that they do not know.</summary>
internal sealed record SessionManifest
{
    /// <summary>Version of the format that this program writes and reads.</summary>
    public const int CurrentVersion = 1;

    private const int MaximumBytes = 16 << 20;

    /// <summary>Version of the format.</summary>
    public required int Version { get; init; }

    /// <summary>The model's file, or its name.</summary>
    public required string Model { get; init; }

    /// <summary>Hash of the layers that make the features.</summary>
    public required string ModelHash { get; init; }

    /// <summary>Features of an image.</summary>
    public required int Features { get; init; }

    /// <summary>The preprocessing, as in model files.</summary>
    public required SortedDictionary<string, string> Preprocessing { get; init; }

    /// <summary>The features of a known image: they tell whether another file of the model, or another version of this program, still means the same.</summary>
    public required byte[] Probe { get; init; }

    /// <summary>The preprocessing.</summary>
    [JsonIgnore]
    public Preprocessing Input => PreprocessingText.Parse(Preprocessing) ?? throw new FormatException("there is no preprocessing");

    /// <summary>The features of the known image.</summary>
    [JsonIgnore]
    public ReadOnlySpan<float> ProbeFeatures => MemoryMarshal.Cast<byte, float>(Probe);

    /// <summary>Describes a new session.</summary>
    public static SessionManifest Of(string model, UInt128 hash, Preprocessing preprocessing, ReadOnlySpan<float> probe) => new()
    {
        Version = CurrentVersion,
        Model = model,
        ModelHash = Text(hash),
        Features = probe.Length,
        Preprocessing = new SortedDictionary<string, string>(new Dictionary<string, string>(PreprocessingText.Format(preprocessing)), StringComparer.Ordinal),
        Probe = MemoryMarshal.AsBytes(probe).ToArray(),
    };

    /// <summary>A hash as it stands in files.</summary>
    public static string Text(UInt128 hash) => hash.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>Reads a manifest; null if there is none.</summary>
    /// <exception cref="DataException">It cannot be read, or is of a version that this program does not know.</exception>
    public static SessionManifest? Read(string path)
    {
        if (!File.Exists(path)) return null;
        string text;
        try
        {
            text = InputFile.ReadText(path, MaximumBytes);
        }
        catch (Exception e) when (InputFile.IsReadError(e))
        {
            throw new DataException($"Cannot read the session '{path}': {e.Message}", e);
        }

        try
        {
            // The version first: a later one may have other members.
            using JsonDocument document = JsonDocument.Parse(text);
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("version", out JsonElement version) || version.ValueKind != JsonValueKind.Number
                || !version.TryGetInt32(out int number))
            {
                throw Damaged(path, "it has no version");
            }

            if (number != CurrentVersion) throw OtherVersion(path, number.ToString(CultureInfo.InvariantCulture), CurrentVersion);
            SessionManifest manifest = JsonSerializer.Deserialize(text, SessionJson.Default.SessionManifest) ?? throw Damaged(path, "it is empty");
            manifest.Check(path);
            return manifest;
        }
        catch (JsonException e)
        {
            throw Damaged(path, e.Message, e);
        }
    }

    /// <summary>Writes the manifest.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Write(string path) =>
        AtomicFile.Write(path, stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(this, SessionJson.Default.SessionManifest)));

    /// <summary>A file of another version.</summary>
    public static DataException OtherVersion(string path, string version, int own) =>
        new($"The session '{path}' has format version {version}; this program reads version {own}. Open it with the program that wrote it, or with "
        + $"a newer one than this.");

    private static DataException Damaged(string path, string how, Exception? cause = null) =>
        new($"The session '{path}' is damaged: {how}. Restore a copy of the file; the images next to it are not affected.", cause);

    private void Check(string path)
    {
        if (Features < 1 || Features > Array.MaxLength / sizeof(float) || Probe.Length != Features * sizeof(float))
        {
            throw Damaged(path, $"its {Probe.Length} bytes of known features are not those of {Features}");
        }

        foreach (float value in ProbeFeatures)
        {
            if (!float.IsFinite(value)) throw Damaged(path, "a known feature is not finite");
        }

        foreach (string? text in Preprocessing.Values)
        {
            if (text is null) throw Damaged(path, "a value of the preprocessing is missing");
        }

        try
        {
            _ = Input;
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw Damaged(path, e.Message, e);
        }
    }
}

/// <summary>Serializes the texts of a session without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(SessionManifest))]
[JsonSerializable(typeof(SessionHeadHeader))]
internal sealed partial class SessionJson : JsonSerializerContext;
