using System;
using System.Runtime.InteropServices;

namespace Thomas.App.Pull;

/// <summary>What https and checksums need of the system.</summary>
internal static class SecureConnections
{
    private static readonly string[] Libraries = ["libssl.so.3", "libssl.so.1.1", "libssl.so.1.1.1", "libssl.so", "libssl.so.4"];

    /// <summary>On Linux, .NET takes TLS and SHA-256 from OpenSSL and ends the process where there is none: it is looked for first.</summary>
    /// <exception cref="DownloadException">There is none; the message says what can be done.</exception>
    public static void Check(DownloadOptions options)
    {
        if (IsThere()) return;
        throw new DownloadException(
            $"Downloading needs OpenSSL (libssl), which this system does not have. Install it (package libssl3 or openssl), or fetch {options.Address} with "
            + $"another program and compare its SHA-256 with {options.Sha256}.");
    }

    /// <summary>Whether the system has what TLS needs.</summary>
    public static bool IsThere()
    {
        if (!OperatingSystem.IsLinux()) return true;
        foreach (string library in Libraries)
        {
            if (!NativeLibrary.TryLoad(library, out nint handle)) continue;
            NativeLibrary.Free(handle);
            return true;
        }

        return false;
    }
}
