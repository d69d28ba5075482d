using System.CommandLine;
using Thomas.App;
using Thomas.App.Studies;
using Thomas.Cli.Output;
using Thomas.Study;

namespace Thomas.Cli.Options;

/// <summary><c>--report</c>: a folder with a page, tables and data about the run.</summary>
internal sealed class ReportOption
{
    private readonly Option<string> _folder = new("--report")
    {
        Description = "Write a report of the run into a folder: report.html for a browser, report.md, report.json, metrics.csv with one line for each epoch; "
            + "an earlier report there is replaced",
        HelpName = "folder",
    };

    public void AddTo(Command command) => command.Add(_folder);

    public string? Folder(ParseResult parsed) => parsed.GetValue(_folder);

    /// <summary>Throws unless the report can be written.</summary>
    /// <exception cref="OutputException">It cannot.</exception>
    public void Check(ParseResult parsed)
    {
        if (Folder(parsed) is string folder) ReportFolder.Check(folder);
    }

    /// <summary>Writes the report if it is asked for, and says so.</summary>
    /// <returns>False if it could not be written, which was said.</returns>
    public bool Write(ParseResult parsed, Terminal terminal, StudyReport report)
    {
        if (Folder(parsed) is not string folder) return true;
        try
        {
            ReportFolder.Write(report, folder);
            terminal.Field("report", $"{Format.Name(System.IO.Path.Combine(folder, ReportFolder.Page))} and its data, {ReportFile.Name}");
            return true;
        }
        catch (OutputException e)
        {
            terminal.Complain(e.Message);
            return false;
        }
    }
}
