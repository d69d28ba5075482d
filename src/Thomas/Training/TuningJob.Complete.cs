using System;
using System.Collections.Generic;
using Thomas.Data;

namespace Thomas.Training;

/// <content>The last step for networks that were trained in 8 bits.</content>
internal sealed partial class TuningJob
{
    /// <summary>Why the last layer of an 8-bit network is float32; null where it is not.</summary>
    private string? _floatLastLayer;

    /// <summary>
    /// A network that was trained in 8 bits with its new last layer on a grid too, and what that is worth on the validation images; null where it stays
    /// float32, which is told.
    /// </summary>
    private (Model Model, ConfusionMatrix After)? Completed(Model network, ConfusionMatrix? inFloat, Dataset train, PreparedSet validation)
    {
        if (options.Complete is null) return null;
        if (options.KeepClasses)
        {
            return Float(
                "the last layer is float32, since old classes were kept: 'convert --int8 --calibration' puts it on a grid, with images of all classes");
        }

        if (options.MemoryBytes is not null)
        {
            return Float("the new last layer is float32: what puts it on a grid keeps to no memory bound; 'convert --int8 --calibration' does it afterwards");
        }

        try
        {
            using IDisposable measured = _timer.Measure("last layer to 8 bits");
            Model complete = options.Complete(network, train, cancellation);
            IReadOnlyList<ImagePrediction> predictions = Evaluator.Predict(
                complete, validation, new EvaluationOptions { Compile = options.Compile }, progress, cancellation);
            ConfusionMatrix after = new(dataset.ClassNames.Count);
            foreach (ImagePrediction prediction in predictions) after.Add(prediction.Actual, prediction.Predicted);
            if (inFloat is { } before && before.Correct != after.Correct)
            {
                _notes.Add($"with the last layer in float32 {before.Correct} of {before.Total} validation images were right, in 8 bits {after.Correct}");
            }

            return (complete, after);
        }
        catch (ThomasException e)
        {
            return Float($"the new last layer is float32: {e.Message}");
        }
        catch (OperationCanceledException)
        {
            return Float("the new last layer is float32, since the run was cancelled when it should have gone to 8 bits");
        }

        (Model, ConfusionMatrix)? Float(string reason)
        {
            _floatLastLayer = reason;
            _notes.Add(reason);
            return null;
        }
    }
}
