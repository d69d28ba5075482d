using System.Collections.Generic;
using System.Globalization;
using Thomas.Training;

namespace Thomas.App.Results;

/// <summary>The file of <c>--predictions</c>: what a model made of each image, the largest loss first.</summary>
internal static class PredictionFile
{
    public static void Save(string path, IReadOnlyList<ImagePrediction> predictions, IReadOnlyList<string> labels)
    {
        CsvTable table = new("path", "label", "predicted", "predicted_probability", "label_probability", "loss", "correct");
        foreach (ImagePrediction prediction in ImagePrediction.WorstFirst(predictions))
        {
            table.AddRow(
                CsvTable.Path(prediction.Image.Name),
                CsvTable.Name(labels[prediction.Actual]),
                CsvTable.Name(labels[prediction.Predicted]),
                CsvTable.Number(prediction.PredictedProbability),
                CsvTable.Number(prediction.ActualProbability),
                CsvTable.Number(prediction.Loss),
                (prediction.IsCorrect ? 1 : 0).ToString(CultureInfo.InvariantCulture));
        }

        table.Save(path);
    }
}
