using System;
using System.ComponentModel;
using System.Diagnostics;

namespace Thomas.Studio;

/// <summary>The person's browser.</summary>
internal static class Browser
{
    /// <summary>Opens an address, where there is a screen to show it on.</summary>
    /// <returns>Whether a program was found that may do so.</returns>
    public static bool TryOpen(string address)
    {
        try
        {
            if (OperatingSystem.IsWindows())
            {
                using Process? shell = Process.Start(new ProcessStartInfo(address) { UseShellExecute = true });
                return true;
            }

            if (!OperatingSystem.IsMacOS() && !HasDisplay()) return false;
            ProcessStartInfo start = new(OperatingSystem.IsMacOS() ? "open" : "xdg-open") { RedirectStandardOutput = true, RedirectStandardError = true };
            start.ArgumentList.Add(address);
            using Process? opener = Process.Start(start);
            return opener is not null;
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException or PlatformNotSupportedException)
        {
            // The address is printed as well.
            return false;
        }
    }

    private static bool HasDisplay() =>
        Environment.GetEnvironmentVariable("DISPLAY") is { Length: > 0 } || Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") is { Length: > 0 };
}
