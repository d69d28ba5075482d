using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.RegularExpressions;
using Thomas.Cli;

namespace Thomas.Tests.Docs;

/// <summary>Writes docs/command-line.md: a few words on what all commands share, then what <c>--help</c> says.</summary>
internal static partial class CommandLinePage
{
    private const string Head =
        """
        # Command line

        <!-- Generated from the commands' help. Do not edit: run the unit tests with THOMAS_UPDATE_DOCS=1 to write it again. -->

        Results go to standard output, progress, notes, warnings and errors to standard error. Progress is bars on a terminal and plain lines elsewhere. With
        `--json` the result is one JSON document. In the repository, `dotnet run -c Release --project src/Thomas.Cli --` stands for `thomas`.

        Preprocessing comes from `--preset`, `--mean`, `--std`, `--color` and `--resize`, else from the model file, else it is guessed from the file's layout, with a
        warning. The presets: `imagenet` is (x/255 - mean) / std with torchvision's constants, `tf` is x/127.5 - 1, `unit` is x/255, `raw` is 0 to 255, `caffe-bgr` is blue,
        green, red minus 103.94, 116.78, 123.68. [formats.md](formats.md) says what model files carry.

        """;

    public static string Render()
    {
        StringBuilder text = new(Head.ReplaceLineEndings("\n"));
        string overview = HelpOf();
        text.Append(CultureInfo.InvariantCulture, $"\n## thomas\n\n```\n{overview}```\n");
        foreach (Match command in CommandName().Matches(overview))
        {
            string name = command.Groups["name"].Value;
            text.Append(CultureInfo.InvariantCulture, $"\n## thomas {name}\n\n```\n{HelpOf(name)}```\n");
        }

        return text.ToString();
    }

    private static string HelpOf(params ReadOnlySpan<string> command)
    {
        using StringWriter output = new(CultureInfo.InvariantCulture), error = new(CultureInfo.InvariantCulture);
        int code = ThomasCommand.Invoke([.. command, "--help"], output, error);
        if (code != 0) throw new InvalidOperationException($"--help ended with exit code {code}: {error}");
        List<string> lines = [];
        foreach (string line in output.ToString().ReplaceLineEndings("\n").Split('\n')) lines.Add(line.TrimEnd());
        return string.Join('\n', lines).TrimEnd() + "\n";
    }

    // A line of the list of commands: two blanks, a name, its arguments.
    [GeneratedRegex(@"(?<=^Commands:\n(  .*\n)*)  (?<name>[a-z]+)(?= )", RegexOptions.Multiline)]
    private static partial Regex CommandName();
}
