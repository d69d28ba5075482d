using System;
using System.Globalization;
using System.IO;
using System.Net.Http.Headers;
using System.Security.Cryptography;

namespace Thomas.App.Pull;

/// <summary>
/// The beginning of a file that is being downloaded: <c>NAME.part</c>, and next to it <c>NAME.part.from</c> with the address, the checksum and the server's tag
/// of the version, so that a later run can go on. It is open and locked, so that two runs do not write to it at the same time.
/// </summary>
internal sealed class PartFile : IDisposable
{
    private const int BufferBytes = 1 << 16;
    private const int LongestLine = 4096;

    private readonly DownloadOptions _options;
    private readonly string _target;
    private readonly FileStream _stream;
    private IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    private PartFile(DownloadOptions options, string target, FileStream stream)
    {
        _options = options;
        _target = target;
        _stream = stream;
    }

    /// <summary>The file.</summary>
    public string Path => _stream.Name;

    /// <summary>Bytes that are there.</summary>
    public long Length { get; private set; }

    /// <summary>The server's tag of the version that the bytes are from, as it is sent in If-Range; null if there is none.</summary>
    public RangeConditionHeaderValue? Version { get; private set; }

    private string Note => $"{Path}.from";

    /// <summary>Opens what an earlier run has left of the same file, or begins anew.</summary>
    /// <exception cref="OutputException">It cannot be written, or another run writes it.</exception>
    public static PartFile Open(DownloadOptions options)
    {
        OutputFile.TryWriting(options.Output);
        string target = AtomicFile.Target(options.Output), path = target + ".part";
        FileStream stream;
        try
        {
            // A link or a device of that name would be written through.
            if (new FileInfo(path).LinkTarget is not null || SpecialFile.Describe(path) is not null)
            {
                throw new OutputException($"'{path}' is in the way; remove it.");
            }

            stream = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw new OutputException($"Cannot write '{path}': {e.Message} (another download of the same file may be running)", e);
        }

        // With the first byte an earlier run has left a note beside it.
        if (stream.Length > 0 && !File.Exists($"{path}.from"))
        {
            stream.Dispose();
            throw new OutputException($"'{path}' is there and was not made by this command; remove it, or choose another name (-o).");
        }

        PartFile part = new(options, target, stream);
        try
        {
            part.Continue();
            return part;
        }
        catch
        {
            part.Dispose();
            throw;
        }
    }

    /// <summary>Drops all bytes.</summary>
    public void Restart() => Guard(() =>
    {
        _stream.SetLength(0);
        _stream.Position = Length = 0;
        _hash.Dispose();
        _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Version = null;
        File.Delete(Note);
    });

    /// <summary>Remembers which version the bytes that follow are from.</summary>
    public void Remember(EntityTagHeaderValue? tag, DateTimeOffset? modified) => Guard(() =>
    {
        // A weak tag does not promise the same bytes.
        Version = tag is { IsWeak: false } ? new RangeConditionHeaderValue(tag) : modified is DateTimeOffset date ? new RangeConditionHeaderValue(date) : null;
        File.WriteAllText(Note, string.Create(CultureInfo.InvariantCulture, $"{_options.Address.AbsoluteUri}\n{_options.Sha256}\n{Version}\n"));
    });

    public void Append(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _stream.Write(bytes);
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw CannotWrite(e);
        }

        _hash.AppendData(bytes);
        Length += bytes.Length;
    }

    /// <summary>The checksum of the bytes so far.</summary>
    public string Sum() => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>The first bytes, which say what a file is.</summary>
    public byte[] Start()
    {
        byte[] start = new byte[int.Min(BufferBytes, (int)long.Min(Length, BufferBytes))];
        _stream.Position = 0;
        _stream.ReadExactly(start);
        _stream.Position = Length;
        return start;
    }

    /// <summary>Throws if the disk does not have room for the rest.</summary>
    public void CheckSpace(long total)
    {
        try
        {
            long free = new DriveInfo(System.IO.Path.GetDirectoryName(_target)!).AvailableFreeSpace;
            if (free < total - Length)
            {
                throw new OutputException(
                    $"Cannot write '{_options.Output}': its disk has {Format.Bytes(free)} free, and {Format.Bytes(total - Length)} are needed.");
            }
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            // The system does not say how much is free; writing will tell.
        }
    }

    /// <summary>Gives the file its name, once it is on the disk.</summary>
    /// <exception cref="OutputException">Something got the name meanwhile; what was downloaded stays.</exception>
    public void Complete() => Guard(() =>
    {
        _stream.Flush(flushToDisk: true);

        // Windows does not rename what is open.
        if (OperatingSystem.IsWindows()) _stream.Dispose();
        try
        {
            File.Move(Path, _target, overwrite: false);
        }
        catch (IOException e) when (System.IO.Path.Exists(_target))
        {
            throw new OutputException(
                $"'{_options.Output}' was made by something else during the download, which is complete and kept in '{Path}'. Remove one of the two; without "
                + "the other file, the same command only gives the download its name.",
                e);
        }

        File.Delete(Note);
    });

    /// <summary>Removes what is no good.</summary>
    public void Delete()
    {
        string path = Path;
        _stream.Dispose();
        TemporaryFile.TryDelete(path);
        TemporaryFile.TryDelete(Note);
    }

    public void Dispose()
    {
        _stream.Dispose();

        // Nothing came: nothing to go on from.
        if (Length == 0)
        {
            TemporaryFile.TryDelete(Path);
            TemporaryFile.TryDelete(Note);
        }

        _hash.Dispose();
    }

    /// <summary>Takes over the bytes of an earlier run, if they are the beginning of the file that is wanted now.</summary>
    private void Continue() => Guard(() =>
    {
        string[] lines = File.Exists(Note) && new FileInfo(Note).Length < LongestLine ? File.ReadAllLines(Note) : [];
        if (lines is not [string address, string sum, string version, ..] || address != _options.Address.AbsoluteUri || sum != _options.Sha256
            || _stream.Length > (_options.Bytes ?? _options.MaximumBytes))
        {
            Restart();
            return;
        }

        byte[] buffer = new byte[BufferBytes];
        for (int read = _stream.Read(buffer); read > 0; read = _stream.Read(buffer))
        {
            _hash.AppendData(buffer.AsSpan(0, read));
            Length += read;
        }

        Version = RangeConditionHeaderValue.TryParse(version, out RangeConditionHeaderValue? known) ? known : null;
    });

    private void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (Exception e) when (IsOfTheDisk(e))
        {
            throw CannotWrite(e);
        }
    }

    // A file beyond a limit on the size of files is an argument out of range.
    private static bool IsOfTheDisk(Exception e) => e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException;

    private OutputException CannotWrite(Exception e) => new($"Cannot write '{_options.Output}': {e.Message}", e);
}
