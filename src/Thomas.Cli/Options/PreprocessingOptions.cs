using System;
using System.CommandLine;
using System.IO;
using Thomas.Cli.Output;

namespace Thomas.Cli.Options;

/// <summary>How images become inputs, where the model file does not say it or says it wrongly.</summary>
internal sealed class PreprocessingOptions
{
    private readonly Option<string> _preset = Parse.Word(
        "--preset", "Common normalization of the images; see the documentation", [.. Preprocessing.PresetNames]);
    private readonly Option<ChannelValues?> _mean = Parse.Channels(
        "--mean", "Value to subtract from each channel, 0..255, in the model's channel order", positive: false);
    private readonly Option<ChannelValues?> _std = Parse.Channels("--std", "Value to divide each channel by after --mean, 0..255", positive: true);
    private readonly Option<string> _color = Parse.Word("--color", "Order of the channels", "rgb", "bgr", "gray");
    private readonly ResizeOptions _resize = new();

    public void AddTo(Command command)
    {
        command.Add(_preset);
        command.Add(_mean);
        command.Add(_std);
        command.Add(_color);
        _resize.AddTo(command);
    }

    /// <summary>Whether any of the options is given.</summary>
    public bool IsGiven(ParseResult parsed) =>
        parsed.GetValue(_preset) is not null || parsed.GetValue(_mean) is not null || parsed.GetValue(_std) is not null ||
        parsed.GetValue(_color) is not null || _resize.IsGiven(parsed);

    /// <summary>What the options say, laid over what the file says or what is guessed; null if no option is given. Warns of guesses.</summary>
    public Preprocessing? Read(ParseResult parsed, Model model, Terminal terminal)
    {
        string? preset = parsed.GetValue(_preset), color = parsed.GetValue(_color);
        ChannelValues? mean = parsed.GetValue(_mean), std = parsed.GetValue(_std);
        ImageInput input = ImageInput.Of(model);
        if (preset is null && mean is null && std is null)
        {
            if (input.IsGuess) WarnOfGuess(input, model, terminal);
            else if (model.Info.PreprocessingSource.Length > 0)
            {
                terminal.Note($"note: {model.Info.Name} is fed {PreprocessingFormat.Normalization(input.Preprocessing)}; {input.Source}");
            }
        }

        if (!IsGiven(parsed)) return null;

        Preprocessing chosen = input.Preprocessing;
        if (preset is not null)
        {
            Preprocessing wanted = Preprocessing.Preset(preset, chosen.Width, chosen.Height);
            chosen = wanted with
            {
                Resize = chosen.Resize,
                CropMargin = chosen.CropMargin,
                ColorOrder = chosen.ColorOrder == ColorOrder.Gray ? ColorOrder.Gray : wanted.ColorOrder,
            };
        }

        chosen = _resize.Apply(parsed, chosen with
        {
            Mean = mean ?? chosen.Mean,
            Std = std ?? chosen.Std,
            ColorOrder = color is null ? chosen.ColorOrder : Enum.Parse<ColorOrder>(color, ignoreCase: true),
        });

        // Who asks for the resizing that is used anyway says nothing of the normalization.
        return preset is null && mean is null && std is null && color is null && chosen == input.Preprocessing ? null : chosen;
    }

    /// <summary>
    /// As <see cref="Read"/>, for training of a model that is written to a file: unless the options or Thomas' own entries in the source say it, images get
    /// their size in the format's usual way.
    /// </summary>
    public Preprocessing? ReadFor(string output, ParseResult parsed, Model model, Terminal terminal)
    {
        Preprocessing? given = Read(parsed, model, terminal);
        if (_resize.IsGiven(parsed) || model.Info.IsPreprocessingWritten) return given;
        Preprocessing chosen = given ?? ImageInput.Of(model).Preprocessing;
        ResizeMode usual = DefaultFor(output);
        return chosen.Resize == usual ? given : chosen with { Resize = usual };
    }

    /// <summary>TFLite's task libraries stretch, and models that were tuned for that are as accurate; see docs/benchmarks.md.</summary>
    public static ResizeMode DefaultFor(string output) =>
        ModelFiles.FormatOf(output) == ModelFormat.TfLite ? ResizeMode.Stretch : ResizeMode.ShorterSideThenCenterCrop;

    /// <summary>The source of a guess begins with GUESSED and ends in advice for the library's users.</summary>
    private static void WarnOfGuess(ImageInput input, Model model, Terminal terminal)
    {
        string name = model.Info.Name, guess = input.Source.Split(';')[0]["GUESSED".Length..];
        string preset = guess.Split('\'') is [_, string guessed, ..] ? guessed : Preprocessing.PresetNames[0];
        string copy = $"{Path.GetFileNameWithoutExtension(name)}-{preset}{Path.GetExtension(name)}";
        terminal.Warn(
            $"{name} does not say how its images are normalized; guessed{guess}. A wrong guess costs accuracy: if results are poor, "
            + $"give --preset {string.Join('|', Preprocessing.PresetNames)} or --mean and --std. To settle it once, write it into a copy of the file: "
            + $"thomas convert {name} --preset {preset} -o {copy}");
    }
}
