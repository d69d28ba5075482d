using System;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization;
using Thomas.Runtime;

namespace Thomas.App.Tuning;

/// <summary>What <c>thomas devices --tune</c> found for one processor. It changes how fast things are, never a result.</summary>
/// <param name="Processor">The processor's name.</param>
/// <param name="Tier">Its vector instructions in use.</param>
/// <param name="Processors">Logical processors that the program could use.</param>
/// <param name="Choice">What is fastest there.</param>
internal sealed record TuningRecord(string Processor, string Tier, int Processors, TuningChoice Choice)
{
    private const string FileName = "tuning.json";
    private const int LargestBlock = 1 << 24;

    /// <summary>Writes the record into a folder.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public string Save(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            Directory.CreateDirectory(folder);
            AtomicFile.Write(path, file => file.Write(JsonSerializer.SerializeToUtf8Bytes(this, TuningJson.Default.TuningRecord)));
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The record '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>
    /// What a folder's record names for this machine; the defaults without a record, with one of another machine, or with one that cannot be read.
    /// </summary>
    /// <param name="folder">Where the record is looked for.</param>
    /// <param name="processor">Finds the processor's name; asked only where there is a record.</param>
    public static TuningChoice Read(string folder, Func<string> processor)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path)) return default;
            TuningRecord? record = JsonSerializer.Deserialize(InputFile.ReadAll(path, InputFile.SettingsBytes), TuningJson.Default.TuningRecord);
            return record is not null && record.Tier == Machine.Tier && record.Processor == processor() && record.Processors == Machine.Processors
                && record.Choice is { Threads: >= 1, BlockRows: >= 0 and <= LargestBlock, BlockPanelBytes: >= 0 and <= LargestBlock } choice
                && choice.Threads <= Machine.Processors ? choice : default;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return default;
        }
    }
}

/// <summary>The form of the file.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TuningRecord))]
internal sealed partial class TuningJson : JsonSerializerContext;
