using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>How the self-test of a function ended.</summary>
internal enum OpenClOutcome
{
    /// <summary>Its results are those of the definition.</summary>
    Passed,

    /// <summary>They are not.</summary>
    Failed,

    /// <summary>There is no small case that uses it.</summary>
    Untested,
}

/// <summary>The end of the self-test of a function.</summary>
/// <param name="Program">Name of the program.</param>
/// <param name="Function">Name of the function.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Detail">The kernel that it was tried in, or what is wrong.</param>
internal sealed record OpenClVerdict(string Program, string Function, OpenClOutcome Outcome, string Detail);

/// <summary>
/// Verdicts of self-tests on disk, a file for each function beside the binaries. A file's name tells device, driver and options, and source and function, by
/// digests; one that cannot be read is no verdict.
/// </summary>
/// <param name="folder">The folder; made where it is missing.</param>
/// <param name="info">The device.</param>
/// <param name="settings">How it is used.</param>
internal sealed class OpenClVerdicts(string folder, OpenClDeviceInfo info, OpenClSettings settings)
{
    /// <summary>Changes with what is tried, and how.</summary>
    private const string Magic = "THOMASCLTEST1";

    private const string Extension = ".cltest";
    private const int MostBytes = 1 << 12;

    private readonly string _device = OpenClBinaries.Digest(OpenClBinaries.KeyOf(info, settings.CompilerOptions(info)), []);

    /// <summary>The verdict of a function; null if there is none.</summary>
    public OpenClVerdict? Find(OpenClProgram program, string function) =>
        Read(PathOf(program, function)) is OpenClVerdict verdict && verdict.Program == program.Name && verdict.Function == function ? verdict : null;

    /// <summary>Keeps a verdict. That it cannot be kept is no error: the function is tried again next time.</summary>
    public void Keep(OpenClProgram program, OpenClVerdict verdict)
    {
        string text = string.Join('\n', Magic, verdict.Program, verdict.Function, verdict.Outcome, verdict.Detail.ReplaceLineEndings(" "), "end\n");
        OpenClBinaries.WriteWhole(PathOf(program, verdict.Function), file => file.Write(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>All verdicts of the device, by program and function.</summary>
    public IReadOnlyList<OpenClVerdict> All()
    {
        List<OpenClVerdict> verdicts = [];
        try
        {
            foreach (string path in Directory.EnumerateFiles(folder, $"{_device}-*{Extension}"))
            {
                if (Read(path) is OpenClVerdict verdict) verdicts.Add(verdict);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No folder, no verdicts.
        }

        verdicts.Sort(static (a, b) => string.CompareOrdinal($"{a.Program} {a.Function} {a.Detail}", $"{b.Program} {b.Function} {b.Detail}"));
        return verdicts;
    }

    private static OpenClVerdict? Read(string path)
    {
        try
        {
            FileInfo file = new(path);
            if (!file.Exists || file.Length > MostBytes) return null;
            string[] lines = File.ReadAllText(path).Split('\n');
            return lines is [Magic, string program, string function, string outcome, string detail, "end", ""] && Enum.TryParse(outcome, out OpenClOutcome how)
                && Enum.IsDefined(how)
                ? new OpenClVerdict(VisibleText.Of(program), VisibleText.Of(function), how, VisibleText.Of(detail))
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string PathOf(OpenClProgram program, string function) =>
        Path.Combine(folder, $"{_device}-{OpenClBinaries.Digest($"{function}\n", Encoding.UTF8.GetBytes(program.Text))}{Extension}");
}
