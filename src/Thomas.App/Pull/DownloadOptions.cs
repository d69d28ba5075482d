using System;

namespace Thomas.App.Pull;

/// <summary>What is downloaded, where to, and how patiently.</summary>
/// <param name="Address">An http or https address.</param>
/// <param name="Sha256">The checksum that the file must have, in lower-case hexadecimal digits.</param>
/// <param name="Output">Where the file goes when it is complete and checked.</param>
internal sealed record DownloadOptions(Uri Address, string Sha256, string Output)
{
    /// <summary>The length of the file, where it is known beforehand.</summary>
    public long? Bytes { get; init; }

    /// <summary>A longer file is refused: no more than this goes to the disk.</summary>
    public long MaximumBytes { get; init; } = 1L << 30;

    /// <summary>How long nothing may come before the connection is given up.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>The wait before the second attempt; it doubles with each further one, up to a minute.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Attempts in a row that bring nothing before it ends with an error.</summary>
    public int Attempts { get; init; } = 5;
}

/// <summary>What came of a download.</summary>
/// <param name="Bytes">The length of the file.</param>
/// <param name="ResumedAt">Bytes that an earlier run had left and that were not downloaded again.</param>
/// <param name="WasThere">Whether the file was already in its place, with the right checksum.</param>
internal sealed record DownloadResult(long Bytes, long ResumedAt, bool WasThere);
