using System.CommandLine;
using System.IO;
using Thomas.Data;

namespace Thomas.Cli.Options;

/// <summary>The labeled pictures.</summary>
internal sealed class DataOption
{
    private readonly Option<string> _data = new("--data")
    {
        Description = "A folder with one folder of pictures per class (optionally under train/ and val/), or a CSV file of lines path,label[,split]",
        HelpName = "folder|csv",
        Required = true,
    };

    public void AddTo(Command command) => command.Add(_data);

    public Dataset Load(ParseResult parsed)
    {
        string path = parsed.GetRequiredValue(_data);
        return File.Exists(path) ? CsvManifest.Load(path) : ImageFolder.Load(path);
    }
}
