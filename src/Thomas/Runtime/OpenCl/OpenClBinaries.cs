using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Built programs on disk. A file's name is a digest of all that the binary depends on: device, driver, compiler options, source. Its contents carry a digest of
/// their own; a file that is cut off, changed or another's is ignored and written anew. Processes that share a folder each write a file of their own and rename
/// it, so nobody reads half of one.
/// </summary>
/// <param name="folder">The folder; made where it is missing.</param>
/// <param name="info">The device.</param>
/// <param name="options">The compiler's options.</param>
internal sealed class OpenClBinaries(string folder, OpenClDeviceInfo info, string options)
{
    /// <summary>No binary of a kernel is larger.</summary>
    public const int MostBytes = 64 << 20;

    private const string Extension = ".clbin";
    private static readonly byte[] Magic = "THOMASCL1"u8.ToArray();

    /// <summary>The binary of a source; null if there is none that can be used.</summary>
    public byte[]? Find(byte[] source)
    {
        try
        {
            FileInfo file = new(PathOf(source));
            if (!file.Exists || file.Length > MostBytes || file.Length <= Magic.Length + SHA256.HashSizeInBytes) return null;
            byte[] content = File.ReadAllBytes(file.FullName);
            ReadOnlySpan<byte> rest = content.AsSpan(Magic.Length);
            if (!content.AsSpan().StartsWith(Magic)) return null;
            byte[] binary = rest[SHA256.HashSizeInBytes..].ToArray();
            return rest[..SHA256.HashSizeInBytes].SequenceEqual(SHA256.HashData(binary)) ? binary : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a binary. That it cannot be kept is no error: it is built again next time.</summary>
    public void Keep(byte[] source, byte[] binary)
    {
        string? temporary = null;
        try
        {
            Directory.CreateDirectory(folder);
            string path = PathOf(source);
            temporary = $"{path}.{Guid.NewGuid():N}";
            using (FileStream file = new(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                file.Write(Magic);
                file.Write(SHA256.HashData(binary));
                file.Write(binary);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
        }
    }

    private static void Remove(string? path)
    {
        try
        {
            if (path is not null) File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder cannot be written at all: nothing is left there either.
        }
    }

    private string PathOf(byte[] source)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(string.Join('\n', info.Platform, info.Vendor, info.Name, info.Driver, info.Version, options, "")));
        hash.AppendData(source);
        return Path.Combine(folder, Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16)) + Extension);
    }
}
