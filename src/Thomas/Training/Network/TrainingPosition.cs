namespace Thomas.Training;

/// <summary>Where training stands between two steps. Order, augmentation, masks and learning rate all follow from it and the seed.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="Step">Steps of it that are done.</param>
/// <param name="Loss">Sum over its images of their step's loss.</param>
/// <param name="Correct">Images of it that were classified rightly.</param>
internal readonly record struct TrainingPosition(int Epoch, int Step, double Loss, int Correct)
{
    /// <summary>The position before the first step of an epoch.</summary>
    public static TrainingPosition Start(int epoch) => new(epoch, 0, 0, 0);
}
