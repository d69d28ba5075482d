using System.CommandLine;
using System.IO;
using Thomas.Cli.Output;
using Thomas.Data;

namespace Thomas.Cli.Options;

/// <summary>The labeled images.</summary>
internal sealed class DataOption
{
    private readonly Option<string> _data = new("--data")
    {
        Description =
            "A folder with one folder of images per class (optionally under train/, val/ and test/), a CSV file with lines path,label[,split] or with a first "
            + "line that names its columns, or a folder with the files of MNIST (IDX, also .gz) or CIFAR-10 (.bin)",
        HelpName = "folder|file",
        Required = true,
    };

    private readonly Option<bool> _skip = new("--skip-missing") { Description = "Pass over images that the CSV file lists and that do not exist" };

    public void AddTo(Command command)
    {
        command.Add(_data);
        command.Add(_skip);
    }

    /// <summary>The file with the images' list; null for a folder.</summary>
    public string? Path(ParseResult parsed) => parsed.GetRequiredValue(_data) is string path && File.Exists(path) ? path : null;

    public Dataset Load(ParseResult parsed, Terminal terminal) => Load(parsed.GetRequiredValue(_data), terminal, parsed.GetValue(_skip));

    /// <summary>Reads a data set and tells what there is to know about it.</summary>
    public static Dataset Load(string path, Terminal terminal, bool skipMissing = false)
    {
        Dataset data = DatasetLoader.Load(path, skipMissing);
        foreach (string note in data.Notes) terminal.Note($"note: {note}");
        return data;
    }
}
