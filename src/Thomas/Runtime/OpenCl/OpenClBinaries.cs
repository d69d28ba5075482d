using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Built programs on disk. A file's name is a digest of all that the binary depends on: device, driver, compiler options, source. Its contents carry a digest
/// of their own; a file that is cut off, changed or another's is ignored and written anew. Processes that share a folder each write a file of their own and
/// rename it, so nobody reads half of one.
/// </summary>
/// <param name="folder">The folder; made where it is missing.</param>
/// <param name="info">The device.</param>
/// <param name="options">The compiler's options.</param>
internal sealed class OpenClBinaries(string folder, OpenClDeviceInfo info, string options)
{
    /// <summary>No binary of a kernel is larger.</summary>
    public const int MostBytes = 64 << 20;

    private const string Extension = ".clbin";
    private static readonly byte[] Magic = "THOMASCL2"u8.ToArray();

    /// <summary>The binary of a source; null if there is none that can be used.</summary>
    public byte[]? Find(byte[] source)
    {
        try
        {
            string path = PathOf(source);
            FileInfo file = new(path);
            if (!file.Exists || file.Length > MostBytes || file.Length <= Magic.Length + SHA256.HashSizeInBytes) return null;
            byte[] content = File.ReadAllBytes(file.FullName);
            ReadOnlySpan<byte> rest = content.AsSpan(Magic.Length);
            if (!content.AsSpan().StartsWith(Magic)) return null;
            byte[] binary = rest[SHA256.HashSizeInBytes..].ToArray();
            return rest[..SHA256.HashSizeInBytes].SequenceEqual(SumOf(path, binary)) ? binary : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Keeps a binary. That it cannot be kept is no error: it is built again next time.</summary>
    public void Keep(byte[] source, byte[] binary)
    {
        string path = PathOf(source);
        WriteWhole(path, file =>
        {
            file.Write(Magic);
            file.Write(SumOf(path, binary));
            file.Write(binary);
        });
    }

    /// <summary>All that binaries and their results depend on beside the source.</summary>
    public static string KeyOf(OpenClDeviceInfo info, string options) =>
        string.Join('\n', info.Platform, info.Vendor, info.Name, info.Driver, info.Version, options, "");

    /// <summary>A digest for the name of a file.</summary>
    public static string Digest(string key, byte[] source)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(key));
        hash.AppendData(source);
        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16));
    }

    /// <summary>Writes a file whole or not at all. That it cannot be written is no error.</summary>
    /// <param name="path">The file; its folder is made where it is missing.</param>
    /// <param name="write">Writes its contents.</param>
    public static void WriteWhole(string path, Action<FileStream> write)
    {
        string? temporary = null;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            temporary = $"{path}.{Guid.NewGuid():N}";
            using (FileStream file = new(temporary, FileMode.CreateNew, FileAccess.Write)) write(file);
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
        }
    }

    /// <summary>A digest of contents and name: a file that was given another's name is no binary of that.</summary>
    private static byte[] SumOf(string path, byte[] binary) =>
        SHA256.HashData([.. Encoding.UTF8.GetBytes(Path.GetFileName(path)), .. SHA256.HashData(binary)]);

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

    private string PathOf(byte[] source) => Path.Combine(folder, Digest(KeyOf(info, options), source) + Extension);
}
