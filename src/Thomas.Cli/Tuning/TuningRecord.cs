using System;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization;
using Thomas.Runtime;

namespace Thomas.Cli.Tuning;

/// <summary>What <c>thomas devices --tune</c> found for one processor. It changes how fast things are, never a result.</summary>
/// <param name="Processor">The processor's name.</param>
/// <param name="Tier">Its vector instructions in use.</param>
/// <param name="Processors">Logical processors that the program could use.</param>
/// <param name="Threads">Threads to use unless told otherwise.</param>
internal sealed record TuningRecord(string Processor, string Tier, int Processors, int Threads)
{
    private const string FileName = "tuning.json";

    /// <summary>Writes the record into a folder.</summary>
    /// <returns>The file.</returns>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public string Save(string folder)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            Directory.CreateDirectory(folder);
            File.WriteAllBytes(path, JsonSerializer.SerializeToUtf8Bytes(this, TuningJson.Default.TuningRecord));
            return path;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The record '{path}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>The threads that a folder's record names for this machine; 0 without a record, with one of another machine, or with one that cannot be read.</summary>
    /// <param name="folder">Where the record is looked for.</param>
    /// <param name="processor">Finds the processor's name; asked only where there is a record.</param>
    public static int ReadThreads(string folder, Func<string> processor)
    {
        string path = Path.Combine(folder, FileName);
        try
        {
            if (!File.Exists(path)) return 0;
            TuningRecord? record = JsonSerializer.Deserialize(File.ReadAllBytes(path), TuningJson.Default.TuningRecord);
            return record is not null && record.Tier == Machine.Tier && record.Processor == processor() && record.Processors == Machine.Processors
                && record.Threads >= 1 && record.Threads <= Machine.Processors ? record.Threads : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return 0;
        }
    }
}

/// <summary>The form of the file.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(TuningRecord))]
internal sealed partial class TuningJson : JsonSerializerContext;
