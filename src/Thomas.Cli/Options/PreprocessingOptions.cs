using System;
using System.CommandLine;
using Thomas.Cli.Output;

namespace Thomas.Cli.Options;

/// <summary>How pictures become inputs, where the model file does not say it or says it wrongly.</summary>
internal sealed class PreprocessingOptions
{
    private readonly Option<string> _preset = Parse.Word("--preset", "A usual normalization of the pictures; see the documentation", [.. Preprocessing.PresetNames]);
    private readonly Option<ChannelValues?> _mean = Parse.Channels("--mean", "Subtracted from each channel, 0..255, in the model's channel order", positive: false);
    private readonly Option<ChannelValues?> _std = Parse.Channels("--std", "Divides each channel after that, 0..255", positive: true);
    private readonly Option<string> _color = Parse.Word("--color", "Order of the channels", "rgb", "bgr", "gray");
    private readonly Option<string> _resize = Parse.Word("--resize", "How a picture gets the model's size", "center-crop", "stretch");

    public void AddTo(Command command)
    {
        command.Add(_preset);
        command.Add(_mean);
        command.Add(_std);
        command.Add(_color);
        command.Add(_resize);
    }

    /// <summary>Whether any of the options is given.</summary>
    public bool IsGiven(ParseResult parsed) =>
        parsed.GetValue(_preset) is not null || parsed.GetValue(_mean) is not null || parsed.GetValue(_std) is not null ||
        parsed.GetValue(_color) is not null || parsed.GetValue(_resize) is not null;

    /// <summary>What the options say, laid over what the file says or what is guessed; null if no option is given. Warns of guesses.</summary>
    public Preprocessing? Read(ParseResult parsed, Model model, Terminal terminal)
    {
        string? preset = parsed.GetValue(_preset), color = parsed.GetValue(_color), resize = parsed.GetValue(_resize);
        ChannelValues? mean = parsed.GetValue(_mean), std = parsed.GetValue(_std);
        PictureInput input = PictureInput.Of(model);
        if (preset is null && mean is null && std is null && input.IsGuess) WarnOfGuess(input, model, terminal);
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

        return chosen with
        {
            Mean = mean ?? chosen.Mean,
            Std = std ?? chosen.Std,
            ColorOrder = color is null ? chosen.ColorOrder : Enum.Parse<ColorOrder>(color, ignoreCase: true),
            Resize = resize is null ? chosen.Resize : resize == "stretch" ? ResizeMode.Stretch : ResizeMode.ShorterSideThenCenterCrop,
        };
    }

    private static void WarnOfGuess(PictureInput input, Model model, Terminal terminal) => terminal.Warn(
        $"{model.Info.Name} does not say how its pictures are normalized; guessed {PreprocessingFormat.PresetOf(input.Preprocessing)} " +
        $"because {(input.Preprocessing.Channels == 1 ? "it takes one channel" : $"its layout is {model.Info.InputLayout.ToString().ToUpperInvariant()}")}. A wrong guess costs accuracy: if results are poor, " +
        $"give --preset {string.Join('|', Preprocessing.PresetNames)} or --mean and --std.");
}
