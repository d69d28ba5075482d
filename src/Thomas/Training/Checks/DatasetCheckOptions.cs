namespace Thomas.Training;

/// <summary>How a data set is checked.</summary>
public sealed record DatasetCheckOptions
{
    /// <summary>The model that is to learn or to classify the images: with it, doubtful labels and images that are too small for it are found too; null
    /// checks without.</summary>
    public Model? Model { get; init; }

    /// <summary>Device, preprocessing and cache for <see cref="Model"/>; its number of threads also holds for decoding.</summary>
    public EvaluationOptions Evaluation { get; init; } = new();

    /// <summary>Share of each class that will be set aside for validation where the data is not split.</summary>
    public double ValidationShare { get; init; } = 0.2;
}
