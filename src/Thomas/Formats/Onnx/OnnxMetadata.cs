using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using Thomas.Formats.Onnx.Proto;

namespace Thomas.Formats.Onnx;

/// <summary>Labels, preprocessing and the other pairs of a model's metadata_props.</summary>
internal sealed class OnnxMetadata
{
    private const string LabelsKey = "thomas.labels";
    private const string LayoutKey = "thomas.layout";
    private const string OwnPrefix = "thomas.";

    /// <summary>ONNX's own words for images, as Custom Vision and Windows ML write them.</summary>
    private const string PixelFormatKey = "Image.BitmapPixelFormat", PixelRangeKey = "Image.NominalPixelRange";

    /// <summary>Keys under which other exporters keep class names.</summary>
    private static readonly string[] ForeignLabelKeys = ["labels", "classes", "names"];

    private OnnxMetadata(IReadOnlyList<string>? labels, Preprocessing? preprocessing, ImageLayout? layout, IReadOnlyDictionary<string, string> others)
    {
        Labels = labels;
        Preprocessing = preprocessing;
        Layout = layout;
        Others = others;
    }

    public IReadOnlyList<string>? Labels { get; }

    public Preprocessing? Preprocessing { get; }

    /// <summary>Order of the image's axes, where Thomas wrote the file.</summary>
    public ImageLayout? Layout { get; }

    /// <summary>The preset that was guessed for the file that Thomas made this one from.</summary>
    public string? Guess { get; private init; }

    /// <summary>The feature vectors that Thomas wrote.</summary>
    public Rehearsal? Rehearsal { get; private init; }

    /// <summary>Whether there are some that cannot be read.</summary>
    public bool HasUnreadableRehearsal { get; private init; }

    /// <summary>Mean and deviation by the range of pixels that the file names.</summary>
    public (ChannelValues Mean, ChannelValues Std)? Normalization => Others.GetValueOrDefault(PixelRangeKey) switch
    {
        "NominalRange_0_255" => (new(0), new(1)),
        "Normalized_0_1" => (new(0), new(255)),
        "Normalized_1_1" => (new(127.5f), new(127.5f)),
        _ => null,
    };

    /// <summary>Order of the colors, where the file names it.</summary>
    public ColorOrder? Order => Others.GetValueOrDefault(PixelFormatKey) switch
    {
        "Bgr8" or "Bgra8" => ColorOrder.Bgr,
        "Rgb8" or "Rgba8" => ColorOrder.Rgb,
        _ => null,
    };

    /// <summary>All pairs that are not understood here.</summary>
    public IReadOnlyDictionary<string, string> Others { get; }

    public static OnnxMetadata Read(IReadOnlyList<StringStringEntryProto> entries, string file)
    {
        Dictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach (StringStringEntryProto entry in entries) pairs[entry.Key] = entry.Value;
        Preprocessing? preprocessing;
        try
        {
            preprocessing = PreprocessingText.Parse(pairs);
        }
        catch (FormatException e)
        {
            throw new ModelFormatException(file, "metadata_props", e.Message, e);
        }

        ImageLayout? layout = pairs.GetValueOrDefault(LayoutKey) switch
        {
            null => null,
            "nchw" => ImageLayout.Nchw,
            "nhwc" => ImageLayout.Nhwc,
            string other => throw new ModelFormatException(file, "metadata_props", $"'{LayoutKey}' is '{other}', expected nchw or nhwc"),
        };
        IReadOnlyList<string>? labels = null;
        if (pairs.TryGetValue(LabelsKey, out string? own)) labels = ParseLabels(own) ?? own.Split('\n');
        for (int i = 0; labels is null && i < ForeignLabelKeys.Length; i++)
        {
            if (!pairs.TryGetValue(ForeignLabelKeys[i], out string? text)) continue;
            labels = ParseLabels(text);
            if (labels is not null) pairs.Remove(ForeignLabelKeys[i]);
        }

        Dictionary<string, string> others = new(StringComparer.Ordinal);
        foreach ((string key, string value) in pairs)
        {
            if (!key.StartsWith(OwnPrefix, StringComparison.Ordinal)) others.Add(key, value);
        }

        Rehearsal? rehearsal = pairs.TryGetValue(Rehearsal.Key, out string? vectors) ? Rehearsal.Parse(vectors) : null;
        return new OnnxMetadata(labels, preprocessing, layout, others)
        {
            Guess = pairs.GetValueOrDefault(PreprocessingText.GuessKey),
            Rehearsal = rehearsal,
            HasUnreadableRehearsal = vectors is not null && rehearsal is null,
        };
    }

    /// <summary>Adds the pairs that <see cref="Read"/> understands, then the others.</summary>
    public static void Write(ModelInfo info, ImageLayout layout, ModelProto target)
    {
        if (info.Labels is not null) Add(target, LabelsKey, FormatLabels(info.Labels));
        if (info.Preprocessing is not null)
        {
            foreach ((string key, string value) in PreprocessingText.Format(info.Preprocessing)) Add(target, key, value);
        }
        else if (info.GuessedPreset is not null)
        {
            Add(target, PreprocessingText.GuessKey, info.GuessedPreset);
        }

        Add(target, LayoutKey, layout == ImageLayout.Nchw ? "nchw" : "nhwc");
        if (info.Rehearsal is not null) Add(target, Rehearsal.Key, info.Rehearsal.ToText());
        foreach ((string key, string value) in info.Metadata)
        {
            if (!key.StartsWith(OwnPrefix, StringComparison.Ordinal)) Add(target, key, value);
        }
    }

    private static void Add(ModelProto target, string key, string value) =>
        target.MetadataProps.Add(new StringStringEntryProto { Key = key, Value = value });

    private static string FormatLabels(IReadOnlyList<string> labels)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            writer.WriteStartArray();
            foreach (string label in labels) writer.WriteStringValue(label);
            writer.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    /// <summary>A JSON array of strings, or a JSON object from index to string; null where the text is neither.</summary>
    private static string[]? ParseLabels(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 4 });
            return document.RootElement.ValueKind switch
            {
                JsonValueKind.Array => FromArray(document.RootElement),
                JsonValueKind.Object => FromObject(document.RootElement),
                _ => null,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // No JSON, or a string that is no valid UTF-16: not a list of labels.
            return null;
        }
    }

    private static string[]? FromArray(JsonElement array)
    {
        string[] labels = new string[array.GetArrayLength()];
        for (int i = 0; i < labels.Length; i++)
        {
            if (array[i].ValueKind != JsonValueKind.String) return null;
            labels[i] = array[i].GetString()!;
        }

        return labels;
    }

    private static string[]? FromObject(JsonElement map)
    {
        List<string?> labels = [];
        foreach (JsonProperty property in map.EnumerateObject()) labels.Add(null);
        foreach (JsonProperty property in map.EnumerateObject())
        {
            bool known = int.TryParse(property.Name, NumberStyles.None, CultureInfo.InvariantCulture, out int index) && index < labels.Count;
            if (!known || labels[index] is not null || property.Value.ValueKind != JsonValueKind.String) return null;
            labels[index] = property.Value.GetString();
        }

        string[] complete = new string[labels.Count];
        for (int i = 0; i < complete.Length; i++) complete[i] = labels[i]!;
        return complete;
    }
}
