using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace Thomas.Tests.App.Studies;

/// <summary>A Chromium of the system without a window and without a network.</summary>
internal sealed class Browser : IDisposable
{
    private static readonly string[] Programs = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private readonly string _program = Find();
    private readonly string _profile = Directory.CreateTempSubdirectory("thomas-browser-").FullName;

    /// <summary>Opens a page and returns what it became and what the browser complained about.</summary>
    /// <param name="page">The file.</param>
    /// <param name="width">Of the window, pixels.</param>
    /// <param name="options">More options.</param>
    public (string Dom, string Complaints) Open(string page, int width, params string[] options)
    {
        ProcessStartInfo start = new(_program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string option in (string[])[
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
            $"--user-data-dir={_profile}", $"--window-size={width},900", .. options, "--dump-dom", new Uri(Path.GetFullPath(page)).AbsoluteUri])
        {
            start.ArgumentList.Add(option);
        }

        using Process process = Process.Start(start)!;
        Task<string> dom = process.StandardOutput.ReadToEndAsync(), complaints = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{_program} did not end; it said: {complaints.Result}");
        }

        Assert.True(process.ExitCode == 0, complaints.Result);
        IEnumerable<string> console = complaints.Result.Split('\n').Where(line => line.Contains(":CONSOLE", StringComparison.Ordinal));
        return (dom.Result, string.Join('\n', console));
    }

    public void Dispose()
    {
        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // The browser's last process may still write there.
        }
    }

    private static string Find()
    {
        foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            foreach (string program in Programs)
            {
                string path = Path.Combine(folder, program);
                if (File.Exists(path)) return path;
            }
        }

        const string Missing = "there is no Chromium to look at the page with";
        if (Environment.GetEnvironmentVariable("THOMAS_REQUIRE_BROWSER") == "1") Assert.Fail(Missing);
        Assert.Skip(Missing);
        return "";
    }
}
