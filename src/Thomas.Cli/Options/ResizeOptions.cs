using System.CommandLine;

namespace Thomas.Cli.Options;

/// <summary>How images get the model's size and lose their transparency.</summary>
internal sealed class ResizeOptions
{
    private readonly Option<string> _resize = Parse.Word(
        "--resize", "How images are resized for the model (default of tune and train: stretch for .tflite output, else center-crop)", "center-crop", "stretch");
    private readonly Option<double?> _cropMargin = Parse.Number(
        "--crop-margin",
        "For center-crop: size of the resized image relative to the crop, 1 for the largest crop that fits (default 1.143, or 1 up to 64 pixels)", 1.0, 4.0);

    private readonly Option<RgbColor?> _background = Parse.Color(
        "--background", "What transparent parts of images are laid over (default: the model's own, or white)");

    public void AddTo(Command command)
    {
        command.Add(_background);
        command.Add(_resize);
        command.Add(_cropMargin);
    }

    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_resize) is not null || parsed.GetValue(_cropMargin) is not null;

    public bool IsBackgroundGiven(ParseResult parsed) => parsed.GetValue(_background) is not null;

    /// <summary>Lays what the options say over a preprocessing.</summary>
    /// <exception cref="UsageException">Options that do not go together.</exception>
    public Preprocessing Apply(ParseResult parsed, Preprocessing preprocessing)
    {
        string? resize = parsed.GetValue(_resize);
        double? margin = parsed.GetValue(_cropMargin);
        if (margin is not null && resize == "stretch")
        {
            throw new UsageException("--crop-margin needs --resize center-crop: stretch crops nothing.");
        }

        return preprocessing with
        {
            Resize = resize == "stretch" ? ResizeMode.Stretch
                : resize is not null || margin is not null ? ResizeMode.ShorterSideThenCenterCrop
                : preprocessing.Resize,
            CropMargin = margin ?? preprocessing.CropMargin,
            Background = parsed.GetValue(_background) ?? preprocessing.Background,
        };
    }
}
