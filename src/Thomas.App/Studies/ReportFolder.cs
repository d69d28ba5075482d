using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Text.Json;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>A report as a folder: data for programs, pages for people.</summary>
internal static class ReportFolder
{
    /// <summary>The page for a browser.</summary>
    public const string Page = "report.html";

    /// <summary>The tables in Markdown.</summary>
    public const string Markdown = "report.md";

    /// <summary>One line for each epoch.</summary>
    public const string Metrics = "metrics.csv";

    /// <summary>The paths of all files of a report in a folder.</summary>
    public static IReadOnlyList<string> Files(string folder) =>
        [Path.Combine(folder, ReportFile.Name), Path.Combine(folder, Page), Path.Combine(folder, Markdown), Path.Combine(folder, Metrics)];

    /// <summary>
    /// Throws unless a report can be written to the folder, before hours of work go into it. The folder may be missing if its parent exists, empty, or hold an
    /// earlier report, which will be replaced.
    /// </summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="OutputException">It cannot; the message says what to do.</exception>
    public static void Check(string folder)
    {
        if (folder.Length == 0) throw new OutputException("The folder of the report has no name.");
        if (File.Exists(folder)) throw new OutputException($"The report '{folder}' is a folder of several files, and there is a file of that name already.");
        if (!Directory.Exists(folder))
        {
            string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
            OutputFile.TryWriting(full);
            return;
        }

        if (File.Exists(Path.Combine(folder, StudyJournal.FileName)))
        {
            throw new OutputException(
                $"'{folder}' holds a study that is not finished. 'thomas bench' goes on with it with --resume; give another folder, or delete it.");
        }

        if (!ReportFile.IsIn(folder) && IsUsed(folder))
        {
            throw new OutputException(
                $"The folder '{folder}' holds other files and no report, so no report is written into it; give a new folder, or one with an earlier report.");
        }

        foreach (string file in Files(folder)) OutputFile.TryWriting(file);
    }

    /// <summary>Writes all files of a report; <c>report.json</c> comes last, so where it is new the others are too.</summary>
    /// <exception cref="OutputException">One cannot be written.</exception>
    public static void Write(StudyReport report, string folder)
    {
        // All is made before anything is written.
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(report, StudyJson.Default.StudyReport);
        string page = HtmlReport.Render(report), markdown = MarkdownReport.Render(report);
        Results.CsvTable metrics = MetricsTable.Of(report);
        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new OutputException($"Cannot make the folder of the report '{folder}': {e.Message}", e);
        }

        Write(Path.Combine(folder, Page), Encoding.UTF8.GetBytes(page));
        Write(Path.Combine(folder, Markdown), Encoding.UTF8.GetBytes(markdown));
        metrics.Save(Path.Combine(folder, Metrics));
        Write(Path.Combine(folder, ReportFile.Name), json);
    }

    private static void Write(string path, byte[] bytes) => AtomicFile.Write(path, stream => stream.Write(bytes));

    private static bool IsUsed(string folder)
    {
        foreach (string _ in Directory.EnumerateFileSystemEntries(folder)) return true;
        return false;
    }
}
