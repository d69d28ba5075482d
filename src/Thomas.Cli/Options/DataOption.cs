using System.CommandLine;
using Thomas.Cli.Output;
using Thomas.Data;

namespace Thomas.Cli.Options;

/// <summary>The labeled images.</summary>
internal sealed class DataOption
{
    private readonly Option<string> _data = new("--data")
    {
        Description =
            "A folder with one folder of images per class (optionally under train/ and val/), a CSV file with lines path,label[,split], or a folder with the "
            + "files of MNIST (IDX, also .gz) or CIFAR-10 (.bin)",
        HelpName = "folder|file",
        Required = true,
    };

    public void AddTo(Command command) => command.Add(_data);

    public Dataset Load(ParseResult parsed, Terminal terminal) => Load(parsed.GetRequiredValue(_data), terminal);

    /// <summary>Reads a data set and tells what there is to know about it.</summary>
    public static Dataset Load(string path, Terminal terminal)
    {
        Dataset data = DatasetLoader.Load(path);
        foreach (string note in data.Notes) terminal.Note($"note: {note}");
        return data;
    }
}
