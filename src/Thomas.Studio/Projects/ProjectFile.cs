using System;
using System.IO;
using System.Text.Json;

namespace Thomas.Studio.Projects;

/// <summary>What describes a project: its <c>project.json</c>.</summary>
internal sealed record ProjectFile
{
    /// <summary>The form of the file.</summary>
    public const int CurrentVersion = 1;

    private const string FileName = "project.json";
    private const int MostBytes = 8 << 20;

    /// <summary>See <see cref="CurrentVersion"/>.</summary>
    public required int Version { get; init; }

    /// <summary>Name of its folder.</summary>
    public required string Id { get; init; }

    /// <summary>What to call it.</summary>
    public required string Name { get; init; }

    /// <summary>Id of its model.</summary>
    public required string Model { get; init; }

    /// <summary>Names of the classes in the order in which they were made, those without images among them.</summary>
    public required string[] Classes { get; init; }

    /// <summary>When it was changed last, as far as that was noted.</summary>
    public required DateTimeOffset Changed { get; init; }

    /// <summary>Reads the file of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="problem">Why that is not possible; null if it is.</param>
    public static ProjectFile? TryRead(string folder, out string? problem)
    {
        problem = null;
        try
        {
            ProjectFile? file = JsonSerializer.Deserialize(InputFile.ReadAll(Path.Combine(folder, FileName), MostBytes), StoreJson.Default.ProjectFile);
            bool isOwn = file is { Version: CurrentVersion } && file.Id == Path.GetFileName(folder);
            if (isOwn && Array.TrueForAll(file!.Classes, name => name is not null)) return file;
            problem = "its project.json is of another version, or of another project";
        }
        catch (Exception e) when (InputFile.IsReadError(e) || e is JsonException)
        {
            problem = e.Message;
        }

        return null;
    }

    /// <summary>Writes the file into a folder.</summary>
    /// <exception cref="OutputException">It cannot be written; the former one is still there.</exception>
    public void Write(string folder) => AtomicFile.Write(
        Path.Combine(folder, FileName), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(this, StoreJson.Default.ProjectFile)));
}
