using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Thomas.Study;

/// <summary>
/// The file that a study writes while it runs: a line that says what is measured where, then one for each visit that was finished. A line that a kill cut short
/// is dropped, so that at most the work of one visit is lost.
/// </summary>
internal sealed class StudyJournal : IDisposable
{
    /// <summary>Name of the file in the folder of a report. A folder that holds it holds an unfinished study.</summary>
    public const string FileName = "study.journal";

    private const long MostBytes = 1L << 30;

    private readonly FileStream _file;

    private StudyJournal(FileStream file, IReadOnlyList<StudyEntry> entries, StudyOrigin origin) => (_file, Entries, Origin) = (file, entries, origin);

    /// <summary>What was found when the journal was opened.</summary>
    public IReadOnlyList<StudyEntry> Entries { get; }

    /// <summary>What is measured, where; as it was when the study began.</summary>
    public StudyOrigin Origin { get; }

    /// <summary>Begins a journal.</summary>
    /// <exception cref="OutputException">The file cannot be written, or is there already.</exception>
    public static StudyJournal Create(string folder, StudyOrigin origin)
    {
        try
        {
            FileStream file = new(Path.Combine(folder, FileName), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None);
            StudyJournal journal = new(file, [], origin);
            journal.Write(JsonSerializer.SerializeToUtf8Bytes(origin, StudyJournalJson.Default.StudyOrigin));
            return journal;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"'{folder}': the journal of the study cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Opens a journal to go on with it.</summary>
    /// <exception cref="DataException">It is damaged, or another program writes it.</exception>
    public static StudyJournal Open(string folder)
    {
        string path = Path.Combine(folder, FileName);
        FileStream file;
        try
        {
            file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataException($"'{path}' cannot be opened; is another study running? {e.Message}", e);
        }

        try
        {
            (StudyOrigin origin, List<StudyEntry> entries, long end) = Read(file, path);
            file.SetLength(end);
            file.Position = end;
            return new StudyJournal(file, entries, origin);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Keeps what a visit found; when this returns, it is on the disk.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Add(StudyEntry entry)
    {
        try
        {
            Write(JsonSerializer.SerializeToUtf8Bytes(entry, StudyJournalJson.Default.StudyEntry));
        }
        catch (IOException e)
        {
            throw new OutputException($"'{_file.Name}' cannot be written: {e.Message}", e);
        }
    }

    /// <summary>Deletes the file: the study is finished.</summary>
    public void Delete()
    {
        _file.Dispose();
        File.Delete(_file.Name);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void Write(byte[] line)
    {
        // One write for the whole line with its end: what was cut short has no end.
        byte[] whole = [.. line, (byte)'\n'];
        _file.Write(whole);
        _file.Flush(flushToDisk: true);
    }

    private static (StudyOrigin Origin, List<StudyEntry> Entries, long End) Read(FileStream file, string path)
    {
        if (file.Length > MostBytes) throw new DataException($"'{path}' is too large for the journal of a study.");
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        List<StudyEntry> entries = [];
        StudyOrigin? origin = null;
        int begin = 0;
        for (int end; (end = Array.IndexOf(bytes, (byte)'\n', begin)) >= 0; begin = end + 1)
        {
            try
            {
                ReadOnlySpan<byte> line = bytes.AsSpan(begin, end - begin);
                if (origin is null) origin = JsonSerializer.Deserialize(line, StudyJournalJson.Default.StudyOrigin);
                else if (JsonSerializer.Deserialize(line, StudyJournalJson.Default.StudyEntry) is StudyEntry entry) entries.Add(entry);
            }
            catch (JsonException e)
            {
                throw new DataException($"'{path}' is damaged in line {entries.Count + (origin is null ? 1 : 2)}. Delete the folder to begin again.", e);
            }
        }

        return origin is null ? throw new DataException($"'{path}' is empty. Delete it to begin again.") : (origin, entries, begin);
    }
}

/// <summary>What a study measures, and where: a study goes on only with the same.</summary>
/// <param name="Plan">The plan as JSON.</param>
/// <param name="Header">Machine, program, time of the beginning.</param>
/// <param name="Names">Paths that were given for names.</param>
internal sealed record StudyOrigin(string Plan, ReportHeader Header, IReadOnlyDictionary<string, string> Names)
{
    /// <summary>Why a study that began so cannot go on so; null if it can.</summary>
    public string? Differs(StudyOrigin now)
    {
        if (Plan != now.Plan) return "it measures something else";
        ReportHeader a = Header, b = now.Header;
        if (a.Version != b.Version || a.Commit != b.Commit) return $"it was begun by {a.Version}, commit {a.Commit ?? "unknown"}";
        bool isSame = a.Processor == b.Processor && a.Tier == b.Tier && a.Processors == b.Processors;
        if (!isSame) return $"it was begun on {a.Processor} ({a.Tier}, {a.Processors} processors)";
        if (Names.Count != now.Names.Count) return "other models or data were given for its names";
        foreach ((string name, string path) in Names)
        {
            if (!now.Names.TryGetValue(name, out string? other) || other != path) return $"'{name}' was {path}";
        }

        return null;
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(StudyOrigin))]
[JsonSerializable(typeof(StudyEntry))]
internal sealed partial class StudyJournalJson : JsonSerializerContext;
