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
    private readonly Option<double?> _cropMargin = Parse.Number("--crop-margin", "For center-crop: size of the resized picture over that of the crop; 1 for the largest crop that fits (default 1.143)", 1.0, 4.0);

    public void AddTo(Command command)
    {
        command.Add(_preset);
        command.Add(_mean);
        command.Add(_std);
        command.Add(_color);
        command.Add(_resize);
        command.Add(_cropMargin);
    }

    /// <summary>Whether any of the options is given.</summary>
    public bool IsGiven(ParseResult parsed) =>
        parsed.GetValue(_preset) is not null || parsed.GetValue(_mean) is not null || parsed.GetValue(_std) is not null ||
        parsed.GetValue(_color) is not null || parsed.GetValue(_resize) is not null || parsed.GetValue(_cropMargin) is not null;

    /// <summary>What the options say, laid over what the file says or what is guessed; null if no option is given. Warns of guesses.</summary>
    public Preprocessing? Read(ParseResult parsed, Model model, Terminal terminal)
    {
        string? preset = parsed.GetValue(_preset), color = parsed.GetValue(_color), resize = parsed.GetValue(_resize);
        ChannelValues? mean = parsed.GetValue(_mean), std = parsed.GetValue(_std);
        PictureInput input = PictureInput.Of(model);
        if (preset is null && mean is null && std is null && input.IsGuess) WarnOfGuess(input, model, terminal);
        if (!IsGiven(parsed)) return null;

        double? margin = parsed.GetValue(_cropMargin);
        if (margin is not null && resize == "stretch") throw new UsageException("--crop-margin is about --resize center-crop; with stretch nothing is cut off.");
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
            Resize = resize == "stretch" ? ResizeMode.Stretch : resize is not null || margin is not null ? ResizeMode.ShorterSideThenCenterCrop : chosen.Resize,
            CropMargin = margin ?? chosen.CropMargin,
        };
    }

    /// <summary>The source of a guess begins with GUESSED and ends in advice for the library's users.</summary>
    private static void WarnOfGuess(PictureInput input, Model model, Terminal terminal) => terminal.Warn(
        $"{model.Info.Name} does not say how its pictures are normalized; guessed{input.Source.Split(';')[0]["GUESSED".Length..]}. A wrong guess costs accuracy: if results are poor, " +
        $"give --preset {string.Join('|', Preprocessing.PresetNames)} or --mean and --std.");
}
