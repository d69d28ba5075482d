using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using Thomas.Graphs;

namespace Thomas;

/// <summary>How images enter a model: the checked input and the preprocessing, with the reason for the latter.</summary>
public sealed class ImageInput
{
    private static readonly ConditionalWeakTable<Model, ImageInput> Known = [];

    private ImageInput(Preprocessing preprocessing, string source, bool isGuess)
    {
        Preprocessing = preprocessing;
        Source = source;
        IsGuess = isGuess;
    }

    /// <summary>The preprocessing to use.</summary>
    public Preprocessing Preprocessing { get; }

    /// <summary>Where it comes from, as a sentence for the log.</summary>
    public string Source { get; }

    /// <summary>Whether neither the caller nor the file gave it. A guess must be shown to the user: a wrong one costs accuracy without failing.</summary>
    public bool IsGuess { get; }

    /// <summary>
    /// Checks that the model takes one image and decides the preprocessing: the caller's, else the file's (what Thomas wrote, else evidence in the file), else
    /// a guess.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="given">What the caller wants; its size must be the model's.</param>
    /// <exception cref="ThomasException">The input is no image, or the size does not fit.</exception>
    public static ImageInput Of(Model model, Preprocessing? given = null)
    {
        ArgumentNullException.ThrowIfNull(model);

        // What the model itself says is concluded once.
        return given is null ? Known.GetValue(model, static model => Decide(model, null)) : Decide(model, given);
    }

    private static ImageInput Decide(Model model, Preprocessing? given)
    {
        (int height, int width, int channels) = Size(model);
        (Preprocessing Preprocessing, string Source, bool IsGuess) own = Own(model, height, width, channels);
        (Preprocessing preprocessing, string source, bool isGuess) = given is null ? own : OfCaller(given, own);
        if (preprocessing.Width != width || preprocessing.Height != height || preprocessing.Channels != channels)
        {
            throw new ThomasException(
                $"{model.Info.Name}: the model takes {width}x{height} images with {channels} channel(s), but the preprocessing ({source}) produces "
                + $"{preprocessing.Width}x{preprocessing.Height} with {preprocessing.Channels}.");
        }

        return new ImageInput(preprocessing, source, isGuess);
    }

    /// <summary>The preset that is guessed for a model from a file; null where its preprocessing is known, or its input is no image.</summary>
    internal static string? GuessFor(Model model)
    {
        Shape? shape = model.Graph.Inputs.Count == 1 ? model.Graph.Inputs[0].Shape : null;
        return model.Info is { Preprocessing: null, SourceFormat: not null } && shape is { Rank: 4 } image && image[3] is (1 or 3)
            ? GuessedName(model, image[3]).Name
            : null;
    }

    /// <summary>Height, width and channels of the image that the model takes.</summary>
    /// <exception cref="ThomasException">The input is no image.</exception>
    public static (int Height, int Width, int Channels) Size(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        IReadOnlyList<Value> inputs = model.Graph.Inputs;
        if (inputs.Count != 1) throw new ThomasException($"{model.Info.Name}: the model has {inputs.Count} inputs; an image classifier has one.");
        Shape shape = inputs[0].Shape;
        if (shape.Rank != 4 || shape[3] is not (1 or 3) || shape[1] < 1 || shape[2] < 1)
        {
            throw new ThomasException(
                $"{model.Info.Name}: input '{inputs[0].Name}' has shape {shape}; an image has 4 axes (batch, height, width, channels) and 1 or 3 channels.");
        }

        if (Math.Max(shape[1], shape[2]) > Preprocessing.MaximumSide)
        {
            throw new ThomasException(
                $"{model.Info.Name}: the model takes images of {shape[2]}x{shape[1]}; each side must be 1 to {Preprocessing.MaximumSide}.");
        }

        return (shape[1], shape[2], shape[3]);
    }

    private static (Preprocessing Preprocessing, string Source, bool IsGuess) Own(Model model, int height, int width, int channels)
    {
        if (model.Info.Preprocessing is not Preprocessing stored) return Guess(model, height, width, channels);
        return (stored, model.Info.PreprocessingSource is { Length: > 0 } found ? found : "read from the model file", false);
    }

    /// <summary>A caller who only changes how images get their size leaves the reason for the normalization as it is.</summary>
    private static (Preprocessing Preprocessing, string Source, bool IsGuess) OfCaller(
        Preprocessing given, (Preprocessing Preprocessing, string Source, bool IsGuess) own)
    {
        bool onlyResizes = given != own.Preprocessing
            && given with { Resize = own.Preprocessing.Resize, CropMargin = own.Preprocessing.CropMargin } == own.Preprocessing;
        return onlyResizes ? (given, own.Source, own.IsGuess) : (given, "given by the caller", false);
    }

    private static (Preprocessing Preprocessing, string Source, bool IsGuess) Guess(Model model, int height, int width, int channels)
    {
        const string Advice = "the file does not say; if accuracy is poor, give the preprocessing";
        (string name, string why) = GuessedName(model, channels);
        Preprocessing preset = Preprocessing.Preset(name, width, height) with { CropMargin = Preprocessing.CropMarginFor(width, height) };
        if (channels == 1) preset = preset with { ColorOrder = ColorOrder.Gray };
        return (preset, $"GUESSED '{name}' {why}; {Advice}", true);
    }

    /// <summary>A file that was made from another is taken as that one was: what spoke for the guess, such as the layout, may be gone.</summary>
    private static (string Name, string Why) GuessedName(Model model, int channels)
    {
        if (model.Info.GuessedPreset is "imagenet" or "tf" or "unit" or "raw") return (model.Info.GuessedPreset, "as for the file that it was converted from");
        bool torchStyle = model.Info.InputLayout == ImageLayout.Nchw;
        if (FirstLayer.Guess(model.Graph) is var (byWeights, reason) && !(torchStyle && byWeights == "unit")) return (byWeights, reason);
        if (channels == 1) return ("unit", "from the layout (one channel)");
        return torchStyle ? ("imagenet", "from the layout (NCHW, as PyTorch exports are)") : ("tf", "from the layout (NHWC, as TensorFlow exports are)");
    }
}
