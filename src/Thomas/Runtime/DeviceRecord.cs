using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Thomas.Runtime;

/// <summary>
/// Times of devices on disk, a file for each question. The file's name is a digest of the question and the question stands in it; its contents carry a digest of
/// their own. A file that is cut off, changed or another's is ignored and written anew.
/// </summary>
/// <param name="folder">The folder; made where it is missing.</param>
internal sealed class DeviceRecord(string folder)
{
    /// <summary>No record is larger.</summary>
    private const int MostBytes = 1 << 20;

    private const string Extension = ".choice";

    private static readonly byte[] Magic = "THOMASDC1"u8.ToArray();

    /// <summary>What was found for a question; null if there is nothing that can be used.</summary>
    /// <param name="key">The question: the work and all that its times depend on.</param>
    /// <param name="candidates">The devices, in order; the record may have one more, which follows from them.</param>
    public (IReadOnlyList<DeviceTime> Times, int Fastest)? Find(string key, IReadOnlyList<DeviceCandidate> candidates)
    {
        try
        {
            FileInfo file = new(PathOf(key));
            if (!file.Exists || file.Length > MostBytes || file.Length <= Magic.Length + SHA256.HashSizeInBytes) return null;
            byte[] bytes = File.ReadAllBytes(file.FullName);
            ReadOnlySpan<byte> rest = bytes.AsSpan(Magic.Length), content = rest[SHA256.HashSizeInBytes..];
            if (!bytes.AsSpan().StartsWith(Magic) || !rest[..SHA256.HashSizeInBytes].SequenceEqual(SHA256.HashData(content))) return null;
            if (JsonSerializer.Deserialize(content, DeviceJson.Default.DeviceRecordContent) is not { Times: not null } record || record.Key != key) return null;
            if (record.Fastest < 0 || record.Fastest >= record.Times.Count) return null;
            if (record.Times.Count < candidates.Count || record.Times.Count > candidates.Count + 1) return null;
            for (int i = 0; i < record.Times.Count; i++)
            {
                if (record.Times[i]?.Milliseconds is not > 0 || (i < candidates.Count && record.Times[i].Name != candidates[i].Name)) return null;
            }

            return (record.Times, record.Fastest);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps what was found. That it cannot be kept is no error: the devices are timed again next time.</summary>
    public void Keep(string key, IReadOnlyList<DeviceTime> times, int fastest)
    {
        try
        {
            Directory.CreateDirectory(folder);
            byte[] content = JsonSerializer.SerializeToUtf8Bytes(new DeviceRecordContent(key, fastest, times), DeviceJson.Default.DeviceRecordContent);
            AtomicFile.Write(PathOf(key), file =>
            {
                file.Write(Magic);
                file.Write(SHA256.HashData(content));
                file.Write(content);
            });
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OutputException)
        {
            // A folder that cannot be written.
        }
    }

    private string PathOf(string key) => Path.Combine(folder, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16)) + Extension);
}

/// <summary>What the file of a question holds.</summary>
/// <param name="Key">The question.</param>
/// <param name="Fastest">Which of the devices is the fastest.</param>
/// <param name="Times">Their times.</param>
internal sealed record DeviceRecordContent(string Key, int Fastest, IReadOnlyList<DeviceTime> Times);

/// <summary>The form of the file.</summary>
[JsonSerializable(typeof(DeviceRecordContent))]
internal sealed partial class DeviceJson : JsonSerializerContext;
