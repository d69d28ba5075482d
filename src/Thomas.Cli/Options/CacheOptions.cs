using System;
using System.CommandLine;
using System.IO;
using Thomas.App;
using Thomas.Cli.Output;

namespace Thomas.Cli.Options;

/// <summary>Where prepared images, features and OpenCL programs are kept, so that a second run starts at once.</summary>
/// <param name="programsOnly">For a command that keeps no images and features.</param>
internal sealed class CacheOptions(bool programsOnly = false)
{
    private const string OpenClFolder = "opencl";

    private readonly Option<string> _folder = new("--cache-dir")
    {
        Description = programsOnly
            ? "Folder for OpenCL programs and what is known of devices (default: the user's cache folder)"
            : "Folder for prepared images and features, kept below 4 GiB, and for OpenCL programs (default: the user's cache folder)",
        HelpName = "folder",
    };
    private readonly Option<bool> _off = new("--no-cache") { Description = "Keep nothing on disk" };

    public void AddTo(Command command)
    {
        command.Add(_folder);
        command.Add(_off);
    }

    /// <summary>Where OpenCL programs, and what is known of a device, are kept; null if nothing is to be kept.</summary>
    /// <exception cref="OutputException">The folder that was asked for cannot be created.</exception>
    public string? DeviceFolder(ParseResult parsed)
    {
        if (parsed.GetValue(_off)) return null;
        return Path.Combine(parsed.GetValue(_folder) is string given ? Create(given) : CacheFolder.Default(), OpenClFolder);
    }

    /// <summary>The folder, created; null if there is to be none, or if the default one cannot be made.</summary>
    /// <exception cref="OutputException">The folder that was asked for cannot be created.</exception>
    public string? Read(ParseResult parsed, Terminal terminal)
    {
        if (parsed.GetValue(_off)) return null;
        if (parsed.GetValue(_folder) is string given) return Create(given);
        string folder = CacheFolder.Default();
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            terminal.Warn($"no cache: the folder '{folder}' cannot be created ({e.Message}); choose another with --cache-dir");
            return null;
        }
    }

    private static string Create(string folder)
    {
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new OutputException($"The cache folder '{folder}' cannot be created: {e.Message}", e);
        }
    }
}
