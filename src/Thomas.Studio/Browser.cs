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

            if (Opener() is not string program) return false;
            ProcessStartInfo start = new(program) { RedirectStandardOutput = true, RedirectStandardError = true };
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

    private static string? Opener() => OperatingSystem.IsMacOS() ? "open"
        : IsSet("DISPLAY") || IsSet("WAYLAND_DISPLAY") ? "xdg-open"
        : IsSet("TERMUX_VERSION") ? "termux-open-url"
        : null;

    private static bool IsSet(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 };
}
