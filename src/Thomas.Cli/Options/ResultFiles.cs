using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using Thomas.App;
using Thomas.App.Results;
using Thomas.Cli.Output;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Options;

/// <summary>Files about single images: predictions as a table, mistakes as a page of images, doubtful labels as a table.</summary>
/// <param name="withSuspects">Whether the command looks for wrong labels.</param>
internal sealed class ResultFiles(bool withSuspects)
{
    private readonly Option<string> _predictions = new("--predictions")
    {
        Description = "Write a CSV file with one line for each checked image, worst first: path, class, predicted class, probabilities, loss",
        HelpName = "file.csv",
    };

    private readonly Option<string> _mistakes = new("--mistakes")
    {
        Description = $"Draw the mistakes, worst first and at most {ContactSheet.MostTiles}, with what the model looked at beside each",
        HelpName = "file.png",
    };

    private readonly Option<string> _suspects = new("--suspects")
    {
        Description = "Write a CSV file of all images of the data that may carry the wrong label, the most doubtful first",
        HelpName = "file.csv",
    };

    public void AddTo(Command command)
    {
        command.Add(_predictions);
        command.Add(_mistakes);
        if (withSuspects) command.Add(_suspects);
    }

    /// <summary>Whether any of the files is asked for.</summary>
    public bool AreWanted(ParseResult parsed) => parsed.GetValue(_predictions) is not null || parsed.GetValue(_mistakes) is not null;

    public string? Predictions(ParseResult parsed) => parsed.GetValue(_predictions);

    public string? Mistakes(ParseResult parsed) => parsed.GetValue(_mistakes);

    public string? Suspects(ParseResult parsed) => withSuspects ? parsed.GetValue(_suspects) : null;

    /// <summary>Throws unless all files can be written and are not the same as each other or as other files of the run.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="others">Files that are read or written too.</param>
    /// <exception cref="OutputException">One cannot; the message says which and why.</exception>
    public void Check(ParseResult parsed, params IReadOnlyList<string?> others)
    {
        List<string> taken = [];
        foreach (string? other in others)
        {
            if (other is not null) taken.Add(other);
        }

        foreach ((string option, string path, string ending) in Wanted(parsed)) CheckFile(option, path, ending, taken);
    }

    /// <summary>Throws if one of the files would replace an image of the data.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="data">The images.</param>
    public void CheckImages(ParseResult parsed, Dataset data)
    {
        List<string> images = new(data.Samples.Count);
        foreach (Sample sample in data.Samples) images.Add(sample.Image.Name);
        foreach ((string option, string path, _) in Wanted(parsed)) CheckImages(option, path, images);
    }

    /// <summary>Throws if a file would replace one of the images that the command reads.</summary>
    public static void CheckImages(string option, string path, IReadOnlyList<string> images)
    {
        if (OutputFile.Same(path, images) is not string image) return;
        throw new UsageException($"{option} is '{path}', which is one of the images ({image}); choose another name.");
    }

    private List<(string Option, string Path, string Ending)> Wanted(ParseResult parsed)
    {
        List<(string, string, string)> wanted = [];
        if (parsed.GetValue(_predictions) is string predictions) wanted.Add((_predictions.Name, predictions, ".csv"));
        if (parsed.GetValue(_mistakes) is string mistakes) wanted.Add((_mistakes.Name, mistakes, ".png"));
        if (Suspects(parsed) is string suspects) wanted.Add((_suspects.Name, suspects, ".csv"));
        return wanted;
    }

    /// <summary>Throws unless a file can be written; adds it to those that are taken.</summary>
    public static void CheckFile(string option, string path, string ending, List<string> taken)
    {
        if (!Path.GetExtension(path).Equals(ending, StringComparison.OrdinalIgnoreCase))
        {
            throw new UsageException($"{option} is '{path}'; the file is written as {ending[1..].ToUpperInvariant()}, so its name must end in {ending}.");
        }

        if (ending == ".png" && ImageDecoders.SkiaProblem is string problem)
        {
            throw new UsageException($"{option}: pages of images cannot be drawn here: {problem}.");
        }

        foreach (string other in taken)
        {
            if (!OutputFile.IsSame(path, other)) continue;
            throw new UsageException($"{option} is '{path}', which this command reads or writes already; choose another name.");
        }

        OutputFile.TryWriting(path);
        taken.Add(path);
    }

    /// <summary>Writes the files that are asked for and says so.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="terminal">Told what was written.</param>
    /// <param name="model">The model that predicted.</param>
    /// <param name="input">What its images went through.</param>
    /// <param name="predictions">What it predicted; null where the run was cancelled before that was known.</param>
    /// <param name="labels">Names of the classes.</param>
    /// <param name="data">Where the images come from.</param>
    /// <param name="compile">Threads.</param>
    /// <returns>False if a file could not be written, which was said.</returns>
    public bool Write(
        ParseResult parsed, Terminal terminal, Model model, ImageInput input, IReadOnlyList<ImagePrediction>? predictions, IReadOnlyList<string> labels,
        Dataset data, CompileOptions compile)
    {
        string? table = parsed.GetValue(_predictions), page = parsed.GetValue(_mistakes);
        if (table is null && page is null) return true;
        if (predictions is null)
        {
            terminal.Complain($"cancelled before the images were classified; {string.Join(" and ", Given(table, page))} not written");
            return false;
        }

        try
        {
            if (table is not null)
            {
                PredictionFile.Save(table, predictions, labels);
                terminal.Field("predictions", $"{Format.Name(table)}: {Format.Plural(predictions.Count, "image")}, the largest loss first");
            }

            if (page is null) return true;
            using ImageSheets sheets = new(model, input.Preprocessing, compile);
            (byte[] png, string content) = sheets.Mistakes(predictions, labels, data.Name, ImageDecoders.Best(), terminal.Cancellation);
            AtomicFile.Write(page, stream => stream.Write(png));
            terminal.Field("mistakes", $"{Format.Name(page)}: {content}");
            if (sheets.Problem is string problem) terminal.Note($"note: no heat maps: {problem}");
            return true;
        }
        catch (OperationCanceledException)
        {
            // Only drawing the page is cancelled: everything else has been written.
            terminal.Complain($"cancelled; {Format.Name(page!)} is not written");
            return false;
        }
        catch (ThomasException e)
        {
            terminal.Complain(e is OutputException ? e.Message : $"{Format.Name(page ?? table!)} is not written: {e.Message}");
            return false;
        }
    }

    /// <summary>The exit code of a command that has done its work.</summary>
    /// <param name="written">Whether the files of this class were written.</param>
    /// <param name="terminal">Knows whether they were not because the command was cancelled.</param>
    public static int CodeOf(bool written, Terminal terminal) =>
        written ? ExitCode.Success : terminal.Cancellation.IsCancellationRequested ? ExitCode.Cancelled : ExitCode.Output;

    /// <summary>Writes the file of suspects if it is asked for, and tells of those that are convincing if it is not.</summary>
    /// <returns>False if the file could not be written, which was said.</returns>
    public bool WriteSuspects(ParseResult parsed, Terminal terminal, IReadOnlyList<LabelSuspect>? suspects, IReadOnlyList<string> classes)
    {
        if (suspects is null) return true;
        if (Suspects(parsed) is not string path)
        {
            if (SuspectFile.Note(suspects, classes) is string note) terminal.Note($"note: {note}");
            return true;
        }

        try
        {
            SuspectFile.Save(path, suspects, classes);
            int convincing = SuspectFile.Convincing(suspects);
            terminal.Field("suspects", $"{Format.Name(path)}: {Format.Plural(suspects.Count, "image")}, {convincing} of them convincing");
            return true;
        }
        catch (OutputException e)
        {
            terminal.Complain(e.Message);
            return false;
        }
    }

    private static List<string> Given(params ReadOnlySpan<string?> paths)
    {
        List<string> given = [];
        foreach (string? path in paths)
        {
            if (path is not null) given.Add(path);
        }

        return given;
    }
}
