using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Text;
using Google.FlatBuffers;

namespace Thomas.Formats.TfLite.Writing;

/// <summary>Writes what a model knows about its images and classes: TFLite's metadata table and key-value entries.</summary>
internal static class MetadataSerializer
{
    /// <summary>Name of the label file in the archive behind the model.</summary>
    public const string LabelFile = "labels.txt";

    private const byte NormalizationUnit = 1, FeatureProperties = 1, ImageProperties = 2, AxisLabels = 2, Rgb = 1, Grayscale = 2;

    /// <summary>The named buffers of a file.</summary>
    /// <param name="info">What is known of the model.</param>
    /// <param name="classes">What its class output means; null where the model names no classes.</param>
    /// <param name="inputs">Number of inputs.</param>
    /// <param name="outputs">Number of outputs.</param>
    public static IReadOnlyList<KeyValuePair<string, byte[]>> Entries(ModelInfo info, ClassOutput? classes, int inputs, int outputs)
    {
        List<KeyValuePair<string, byte[]>> entries = [new(TfLiteMetadata.TableKey, Table(info, classes, inputs, outputs))];
        if (info.Preprocessing is not null)
        {
            foreach (KeyValuePair<string, string> pair in PreprocessingText.Format(info.Preprocessing)) entries.Add(Entry(pair));
        }
        else if (info.GuessedPreset is not null)
        {
            entries.Add(Entry(new(PreprocessingText.GuessKey, info.GuessedPreset)));
        }

        if (info.Rehearsal is not null) entries.Add(Entry(new(Rehearsal.Key, info.Rehearsal.ToText())));
        foreach (KeyValuePair<string, string> pair in info.Metadata)
        {
            if (pair.Key is not ("" or TfLiteMetadata.TableKey or TfLiteMetadata.RuntimeKey)) entries.Add(Entry(pair));
        }

        return entries;
    }

    /// <summary>One label a line, as TFLite's readers expect.</summary>
    public static string LabelText(IReadOnlyList<string> labels)
    {
        StringBuilder text = new();
        foreach (string label in labels) text.Append(label.ReplaceLineEndings(" ")).Append('\n');
        return text.ToString();
    }

    private static KeyValuePair<string, byte[]> Entry(KeyValuePair<string, string> pair) => new(pair.Key, Encoding.UTF8.GetBytes(pair.Value));

    /// <summary>Field numbers are those of tflite-support's metadata_schema.fbs, version 1.1.0.</summary>
    private static byte[] Table(ModelInfo info, ClassOutput? classes, int inputs, int outputs)
    {
        FlatBufferBuilder builder = new(1024);
        List<int> inputTables = [], outputTables = [];
        for (int i = 0; i < inputs; i++) inputTables.Add(Input(builder, i == 0 ? info.Preprocessing : null));
        for (int i = 0; i < outputs; i++) outputTables.Add(Output(builder, i == classes?.Index ? classes : null, info.Labels));
        int inputVector = FlatVectors.Tables(builder, inputTables), outputVector = FlatVectors.Tables(builder, outputTables);
        builder.StartTable(7);
        builder.AddOffset(2, inputVector, 0);
        builder.AddOffset(3, outputVector, 0);
        int graphs = FlatVectors.Tables(builder, [builder.EndTable()]);
        int name = builder.CreateString(info.Name).Value, parser = builder.CreateString("1.0.0").Value;
        ReadOnlySpan<(int Field, string Key)> texts = [(1, "description"), (2, "version"), (4, "author"), (5, "license")];
        Span<int> offsets = stackalloc int[texts.Length];
        for (int i = 0; i < texts.Length; i++) offsets[i] = info.Metadata.TryGetValue(texts[i].Key, out string? text) ? builder.CreateString(text).Value : 0;
        builder.StartTable(8);
        builder.AddOffset(0, name, 0);
        builder.AddOffset(3, graphs, 0);
        for (int i = 0; i < texts.Length; i++)
        {
            if (offsets[i] != 0) builder.AddOffset(texts[i].Field, offsets[i], 0);
        }

        builder.AddOffset(7, parser, 0);
        builder.Finish(builder.EndTable(), "M001");
        return builder.SizedByteArray();
    }

    private static int Input(FlatBufferBuilder builder, Preprocessing? preprocessing)
    {
        int name = builder.CreateString(preprocessing is null ? "input" : "image").Value, content = 0, units = 0;
        if (preprocessing is not null)
        {
            content = Content(builder, preprocessing);
            units = FlatVectors.Tables(builder, [Normalization(builder, preprocessing)]);
        }

        builder.StartTable(7);
        builder.AddOffset(0, name, 0);
        if (content != 0) builder.AddOffset(3, content, 0);
        if (units != 0) builder.AddOffset(4, units, 0);
        return builder.EndTable();
    }

    private static int Content(FlatBufferBuilder builder, Preprocessing preprocessing)
    {
        builder.StartTable(2);
        builder.AddUint(0, (uint)preprocessing.Width, 0);
        builder.AddUint(1, (uint)preprocessing.Height, 0);
        int size = builder.EndTable();
        builder.StartTable(2);

        // The schema knows no BGR; Thomas' own entries say it.
        byte colorSpace =
            preprocessing.ColorOrder switch
            {
                ColorOrder.Rgb =>
                Rgb,
                ColorOrder.Gray =>
                Grayscale,
                ColorOrder.Bgr =>
                0,
                _ =>
                throw new UnreachableException($"Unknown {preprocessing.ColorOrder}.")
            };
        builder.AddByte(0, colorSpace, 0);
        builder.AddOffset(1, size, 0);
        int properties = builder.EndTable();
        builder.StartTable(3);
        builder.AddByte(0, ImageProperties, 0);
        builder.AddOffset(1, properties, 0);
        return builder.EndTable();
    }

    private static int Normalization(FlatBufferBuilder builder, Preprocessing preprocessing)
    {
        int mean = FlatVectors.Floats(builder, Values(preprocessing.Mean, preprocessing.Channels)),
            std = FlatVectors.Floats(builder, Values(preprocessing.Std, preprocessing.Channels));
        builder.StartTable(2);
        builder.AddOffset(0, mean, 0);
        builder.AddOffset(1, std, 0);
        int options = builder.EndTable();
        builder.StartTable(2);
        builder.AddByte(0, NormalizationUnit, 0);
        builder.AddOffset(1, options, 0);
        return builder.EndTable();
    }

    private static float[] Values(ChannelValues values, int channels) => channels == 1 ? [values.First] : [values.First, values.Second, values.Third];

    /// <summary>
    /// Says what the numbers are, as apps show them as they come. Labels of a single output are two lines where both classes are named; readers that expect one
    /// line for each number must not take them for that, so they are no axis labels then.
    /// </summary>
    private static int Output(FlatBufferBuilder builder, ClassOutput? classes, IReadOnlyList<string>? labels)
    {
        bool isProbability = classes?.Kind == ScoreKind.Probability;
        int name = builder.CreateString(classes is null ? "output" : isProbability ? "probability" : "score").Value, description = 0, files = 0, stats = 0,
            content = 0;
        if (classes is not null && labels is not null)
        {
            description = builder.CreateString(classes.Description).Value;
            int fileName = builder.CreateString(LabelFile).Value;
            builder.StartTable(4);
            builder.AddOffset(0, fileName, 0);
            if (labels.Count == classes.Numbers) builder.AddByte(2, AxisLabels, 0);
            files = FlatVectors.Tables(builder, [builder.EndTable()]);
            content = Features(builder);
            if (isProbability) stats = Stats(builder);
        }

        builder.StartTable(7);
        builder.AddOffset(0, name, 0);
        if (description != 0) builder.AddOffset(1, description, 0);
        if (content != 0) builder.AddOffset(3, content, 0);
        if (stats != 0) builder.AddOffset(5, stats, 0);
        if (files != 0) builder.AddOffset(6, files, 0);
        return builder.EndTable();
    }

    private static int Features(FlatBufferBuilder builder)
    {
        builder.StartTable(0);
        int properties = builder.EndTable();
        builder.StartTable(3);
        builder.AddByte(0, FeatureProperties, 0);
        builder.AddOffset(1, properties, 0);
        return builder.EndTable();
    }

    private static int Stats(FlatBufferBuilder builder)
    {
        int max = FlatVectors.Floats(builder, [1f]), min = FlatVectors.Floats(builder, [0f]);
        builder.StartTable(2);
        builder.AddOffset(0, max, 0);
        builder.AddOffset(1, min, 0);
        return builder.EndTable();
    }
}
