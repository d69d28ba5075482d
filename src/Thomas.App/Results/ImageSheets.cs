using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using Thomas.Data;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.App.Results;

/// <summary>Sheets of what a model made of images, with what it looked at beside each.</summary>
internal sealed class ImageSheets : IDisposable
{
    private readonly Preprocessor _preprocessor;
    private readonly ImageExplainer? _explainer;
    private readonly string _class;

    /// <param name="model">The model that predicted.</param>
    /// <param name="preprocessing">What its images went through; null for what the model says.</param>
    /// <param name="compile">Threads.</param>
    public ImageSheets(Model model, Preprocessing? preprocessing, CompileOptions compile)
    {
        _preprocessor = new Preprocessor(ImageInput.Of(model, preprocessing).Preprocessing);

        // A number alone would look like a count.
        _class = model.Info.Labels is null ? "class " : "";
        try
        {
            _explainer = new ImageExplainer(model, preprocessing, compile);
        }
        catch (ThomasException e)
        {
            Problem = e.Message;
        }
    }

    /// <summary>Why there are no heat maps; null if there are.</summary>
    public string? Problem { get; }

    /// <summary>Draws the mistakes among predictions, the largest loss first.</summary>
    /// <param name="predictions">All predictions.</param>
    /// <param name="labels">Names of the classes.</param>
    /// <param name="data">Where the images come from.</param>
    /// <param name="decoder">Decodes the images that are shown.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <returns>The PNG, and what is on it.</returns>
    public (byte[] Png, string Content) Mistakes(
        IReadOnlyList<ImagePrediction> predictions, IReadOnlyList<string> labels, string data, IImageDecoder decoder, CancellationToken cancellation)
    {
        List<SheetTile> tiles = [];
        int mistakes = 0;
        foreach (ImagePrediction prediction in ImagePrediction.WorstFirst(predictions))
        {
            if (prediction.IsCorrect) continue;
            mistakes++;
            if (tiles.Count == ContactSheet.MostTiles) continue;
            cancellation.ThrowIfCancellationRequested();
            RgbImage image;
            try
            {
                image = prediction.Image.Read().Decode(decoder, _preprocessor.MinimumShortSide, prediction.Image.Name);
            }
            catch (ThomasException)
            {
                // It was there a moment ago; the others are still worth a sheet.
                image = new RgbImage(1, 1, [0xC0, 0xC0, 0xC0]);
            }

            tiles.Add(Tile(
                image,
                prediction.Predicted,
                new SheetLine(_class, labels[prediction.Actual], $" {Share(prediction.ActualProbability)}"),
                new SheetLine($"taken for {_class}", labels[prediction.Predicted], $" {Share(prediction.PredictedProbability)}"),
                isWrong: true,
                Below(data, prediction.Image.Name)));
        }

        string content = tiles.Count < mistakes ? $"the worst {tiles.Count} of {mistakes} mistakes" : Format.Plural(mistakes, "mistake");
        string title = $"{mistakes} of {Format.Plural(predictions.Count, "image")} of {Name(data)} taken for another class";
        string order = tiles.Count < mistakes ? $"The worst {tiles.Count}, largest loss first" : "Largest loss first";
        string heat = Problem is null ? "; right of each image, the parts that spoke for the latter" : "; this model allows no heat maps";
        string subtitle = mistakes == 0
            ? "Every image was recognized."
            : $"{order}. In bold the true class, in red what it was taken for, with the model's probabilities{heat}.";
        return (ContactSheet.Draw(title, subtitle, tiles), content);
    }

    /// <summary>A tile of an image that was classified by itself.</summary>
    public SheetTile Explained(RgbImage image, IReadOnlyList<ClassScore> best, string path) => Tile(
        image,
        best[0].Index,
        new SheetLine(_class, best[0].Label, $" {Share(best[0].Probability)}"),
        best.Count > 1 ? new SheetLine($"then {_class}", best[1].Label, $" {Share(best[1].Probability)}") : new SheetLine("", "", ""),
        isWrong: false,
        path);

    /// <summary>The last part of a path, which the page has room for.</summary>
    private static string Name(string data) =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(data))) is { Length: > 0 } name ? name : data;

    /// <summary>A path without the folder that all have in common.</summary>
    private static string Below(string folder, string path) =>
        path.Length > folder.Length + 1 && path.StartsWith(folder, StringComparison.Ordinal) && path[folder.Length] is '/' or '\\'
            ? path[(folder.Length + 1)..]
            : path;

    public void Dispose() => _explainer?.Dispose();

    private SheetTile Tile(RgbImage image, int shownClass, SheetLine title, SheetLine verdict, bool isWrong, string path)
    {
        byte[] crop = new byte[_preprocessor.CropBytes];
        _preprocessor.Crop(image, crop);
        (int width, int height) = (_preprocessor.Preprocessing.Width, _preprocessor.Preprocessing.Height);
        RgbImage seen = new(width, height, crop);
        RgbImage? heat = _explainer is null ? null : HeatColors.Over(seen, _explainer.ExplainCrop(crop, shownClass).ToHeat(width, height));
        bool isStretched = _preprocessor.Preprocessing.Resize == ResizeMode.Stretch;
        double aspect = isStretched ? Math.Clamp((double)image.Width / image.Height, 0.25, 4) : (double)width / height;
        return new SheetTile(seen, heat, aspect, title, verdict, isWrong, path);
    }

    /// <summary>A probability in few characters, never rounded to certainty.</summary>
    private static string Share(double probability) => probability switch
    {
        < 0.005 => "<1%",
        > 0.995 and < 1 => ">99%",
        _ => Format.Invariant($"{probability:0%}"),
    };
}
