using System.CommandLine;
using Thomas.App;
using Thomas.App.Studies;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Runtime;
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

    /// <summary>What makes the report of a run that begins now; null if none is asked for.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="terminal">The command.</param>
    /// <param name="kind">"tune" or "train".</param>
    /// <param name="model">Name of the model.</param>
    /// <param name="data">The images.</param>
    /// <param name="compile">The device.</param>
    /// <param name="seed">The seed.</param>
    public TrainingReports? Begin(
        ParseResult parsed, Terminal terminal, string kind, string model, Dataset data, CompileOptions compile, ulong seed) => Folder(parsed) is null
            ? null
            : new TrainingReports(kind, model, data, compile, terminal.CommandLine, seed, new SystemSensors(GuardOptions.Root));

    /// <summary>Writes the report if it is asked for, and says so.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="terminal">Told what was written.</param>
    /// <param name="report">The report; null for none.</param>
    /// <returns>False if it could not be written, which was said.</returns>
    public bool Write(ParseResult parsed, Terminal terminal, StudyReport? report)
    {
        if (Folder(parsed) is not string folder || report is null) return true;
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
