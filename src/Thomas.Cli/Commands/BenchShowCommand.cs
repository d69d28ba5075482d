using System.CommandLine;
using Thomas.App.Studies;
using Thomas.Cli.Output;
using Thomas.Study;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas bench show</c>: a report as text.</summary>
internal static class BenchShowCommand
{
    public static Command Create(Terminal terminal)
    {
        Argument<string> path = new("report") { Description = "The folder of a report, or its report.json" };
        Command command = new("show", "Print a report; with --json, its file") { path };
        terminal.Bind(command, parsed =>
        {
            StudyReport report = ReportFile.Read(parsed.GetRequiredValue(path));
            if (terminal.Json) terminal.WriteJson(report, StudyJson.Default.StudyReport);
            else StudyText.Print(report, line => terminal.Say(line));
            return ExitCode.Success;
        });
        return command;
    }
}
