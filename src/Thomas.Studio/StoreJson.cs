using System.Text.Json.Serialization;
using Thomas.Studio.Models;
using Thomas.Studio.Projects;
using Thomas.Studio.Runs;

namespace Thomas.Studio;

/// <summary>Writes and reads the files of the studio's folder without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    RespectNullableAnnotations = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredModel))]
[JsonSerializable(typeof(ProjectFile))]
[JsonSerializable(typeof(RunFile))]
internal sealed partial class StoreJson : JsonSerializerContext;
