using System;
using System.IO;
using System.Text.Json;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Reads a report back.</summary>
internal static class ReportFile
{
    /// <summary>Its name in a folder.</summary>
    public const string Name = "report.json";

    // A study of a night with every sample and every confusion matrix is a few megabytes.
    private const long MaximumBytes = 128 << 20;

    /// <summary>Reads a report.</summary>
    /// <param name="path">The file, or the folder that it is in.</param>
    /// <exception cref="DataException">It cannot be read, is not a report, is damaged, or a newer program wrote it; the message says which.</exception>
    public static StudyReport Read(string path)
    {
        string file = Directory.Exists(path) ? Path.Combine(path, Name) : path;
        byte[] bytes;
        try
        {
            bytes = InputFile.ReadAll(file, MaximumBytes);
        }
        catch (Exception e) when (InputFile.IsReadError(e))
        {
            throw new DataException($"Cannot read the report '{file}': {e.Message}", e);
        }

        return Parse(bytes, file);
    }

    internal static StudyReport Parse(ReadOnlySpan<byte> bytes, string file)
    {
        if (bytes.StartsWith("\uFEFF"u8)) bytes = bytes[3..];
        CheckSchema(bytes, file);
        StudyReport report;
        try
        {
            report = JsonSerializer.Deserialize(bytes, StudyJson.Default.StudyReport) ?? throw new JsonException("it is null");
        }
        catch (JsonException e)
        {
            string place = e.Path is null ? "" : $" at {VisibleText.Of(e.Path)}";
            throw new DataException($"The report '{file}' is damaged{place}: {VisibleText.Of(e.Message.Split(" Path:")[0])}", e);
        }

        return ReportCheck.Problem(report) is not string problem
            ? report
            : throw new DataException($"The report '{file}' is damaged: {problem}.");
    }

    /// <summary>Whether a folder holds a report, of whatever version.</summary>
    public static bool IsIn(string folder)
    {
        try
        {
            string file = Path.Combine(folder, Name);
            return File.Exists(file) && SchemaOf(InputFile.ReadAll(file, MaximumBytes)) is not null;
        }
        catch (Exception e) when (e is JsonException || InputFile.IsReadError(e))
        {
            return false;
        }
    }

    /// <summary>The version comes first: what it says decides how the rest is read.</summary>
    private static void CheckSchema(ReadOnlySpan<byte> bytes, string file)
    {
        int? schema;
        try
        {
            schema = SchemaOf(bytes);
        }
        catch (JsonException e)
        {
            throw new DataException(
                FileKind.Recognize(bytes) is { Family: not FileFamily.Text } kind
                    ? $"'{file}' is {kind.Name}, not a report of thomas."
                    : $"'{file}' is not a report of thomas, or only a part of one: line {e.LineNumber + 1} is not JSON.",
                e);
        }

        switch (schema)
        {
            case null: throw new DataException($"'{file}' is JSON, but not a report of thomas: it has no \"schema\" with a number.");
            case > StudyReport.CurrentSchema:
                throw new DataException(
                    $"The report '{file}' was written by a newer program (schema {schema}); this one reads schema {StudyReport.CurrentSchema}. Update thomas.");
            case < StudyReport.CurrentSchema:
                throw new DataException($"The report '{file}' has schema {schema}, which no program has written; this one reads {StudyReport.CurrentSchema}.");
        }
    }

    /// <summary>The member "schema" of a JSON object; null if it has none that is a number.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    private static int? SchemaOf(ReadOnlySpan<byte> bytes)
    {
        Utf8JsonReader reader = new(bytes);
        int? schema = null;
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isSchema = reader.ValueTextEquals("schema"u8);
            reader.Read();
            if (isSchema && schema is null && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int value)) schema = value;
            reader.Skip();
        }

        return schema;
    }
}
