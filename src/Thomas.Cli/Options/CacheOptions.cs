using System;
using System.CommandLine;
using System.IO;
using Thomas.App;
using Thomas.Cli.Output;

namespace Thomas.Cli.Options;

/// <summary>Where prepared images, features and OpenCL programs are kept, so that a second run starts at once.</summary>
internal sealed class CacheOptions
{
    private const string OpenClFolder = "opencl";

    private readonly Option<string> _folder = new("--cache-dir")
    {
        Description = "Folder for prepared images and features, kept below 4 GiB, and for OpenCL programs (default: the user's cache folder)",
        HelpName = "folder",
    };
    private readonly Option<bool> _off = new("--no-cache") { Description = "Keep nothing on disk" };

    public void AddTo(Command command)
    {
        command.Add(_folder);
        command.Add(_off);
    }

    /// <summary>Where OpenCL programs, and what is known of a device, are kept; null if nothing is to be kept.</summary>
    /// <param name="options">The options of the command; null for one that has none.</param>
    /// <param name="parsed">The command line.</param>
    public static string? DeviceFolder(CacheOptions? options, ParseResult parsed) =>
        options is not null && parsed.GetValue(options._off)
            ? null
            : Path.Combine((options is null ? null : parsed.GetValue(options._folder)) ?? CacheFolder.Default(), OpenClFolder);

    /// <summary>The folder, created; null if there is to be none, or if the default one cannot be made.</summary>
    public string? Read(ParseResult parsed, Terminal terminal)
    {
        if (parsed.GetValue(_off)) return null;
        string? given = parsed.GetValue(_folder);
        string folder = given ?? CacheFolder.Default();
        try
        {
            return Directory.CreateDirectory(folder).FullName;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            if (given is not null) throw new OutputException($"The cache folder '{given}' cannot be created: {e.Message}", e);
            terminal.Warn($"no cache: the folder '{folder}' cannot be created ({e.Message}); choose another with --cache-dir");
            return null;
        }
    }
}
