using System;
using System.Threading;
using Thomas.Data;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a model is tuned to new classes.</summary>
/// <example>
/// <code>
/// TuningOptions options = new()
/// {
///     MemoryBytes = 128L &lt;&lt; 20,
///     CacheDirectory = "cache",
///     Network = new TrainerOptions { Policy = UpdatePolicy.All, Epochs = 5 },
/// };
/// </code>
/// </example>
public sealed record TuningOptions
{
    /// <summary>
    /// Keeps the old classes and adds the new ones after them. Images of a class that the model has are added to it; the rows of all other old classes stay as
    /// they are. See <see cref="TuningResult.OldAfter"/> for what becomes of the old classes.
    /// </summary>
    public bool KeepClasses { get; init; }

    /// <summary>
    /// Stores a few feature vectors of each class in the model (<see cref="ModelInfo.Rehearsal"/>), with which classes can be added later without these images.
    /// </summary>
    public bool StoresRehearsal { get; init; } = true;

    /// <summary>
    /// Leaves class scores before the softmax (logits) in the tuned model. Otherwise it ends in a softmax, so that every program that reads it shows
    /// probabilities.
    /// </summary>
    public bool OutputLogits { get; init; }

    /// <summary>
    /// How the last layer is trained on the features of the layers before it. Options that are about images or other layers are refused; device, logits and
    /// memory bound are taken from the other options.
    /// </summary>
    public TrainerOptions Head { get; init; } = TrainerOptions.LastLayer;

    /// <summary>
    /// How layers before the last are trained, once the new last layer is; null trains the last layer only. Seed, preprocessing, device and class balance are
    /// taken from the other options.
    /// </summary>
    public TrainerOptions? Network { get; init; }

    /// <summary>
    /// Bound of all that the run adds to the process in every stage, as <see cref="RunPlanner"/> plans it; null for none. Prepared images then lie in files, in
    /// a temporary folder where there is no <see cref="CacheDirectory"/>. The decoder must be given <see cref="RunPlan.DecodeBytes"/> as its memory.
    /// </summary>
    public long? MemoryBytes { get; init; }

    /// <summary>What was done to the model before took so much beside the data set and the runtime; it is planned with the rest.</summary>
    internal long PreparationBytes { get; init; }

    /// <summary>Share of each class that is set aside for validation where the data set is not split.</summary>
    public double ValidationShare { get; init; } = 0.2;

    /// <summary>Pauses the run while the device is too hot or its battery too low; null never does. It does not change the result.</summary>
    public RunGuard? Guard { get; init; }

    /// <summary>Seed of the split and the augmentation; the head's own seed is in <see cref="Head"/>.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Changes applied to views beyond the first, for the features of the last layer.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>
    /// Views of each training image whose features are cached; 1 is the plain image alone, and all there is where a <see cref="Network"/> is trained.
    /// </summary>
    public int Views { get; init; } = 1;

    /// <summary>Overrides what the model says.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>Folder for prepared images and features; null keeps them in memory.</summary>
    public string? CacheDirectory { get; init; }

    /// <summary>
    /// Whether <see cref="TuningResult.Predictions"/> is wanted. For the last layer it costs nothing; where a <see cref="Network"/> is trained, the validation
    /// images pass through it once more.
    /// </summary>
    public bool KeepPredictions { get; init; }

    /// <summary>
    /// Whether <see cref="TuningResult.Suspects"/> must be there. Without this they are looked for where that takes no time worth mentioning. Not under
    /// <see cref="MemoryBytes"/>.
    /// </summary>
    public bool FindSuspects { get; init; }

    /// <summary>
    /// Puts the new last layer of a network that was trained in 8 bits on a grid too, given the training images; null leaves it in float32.
    /// </summary>
    internal Func<Model, Dataset, CancellationToken, Model>? Complete { get; init; }

    /// <exception cref="ArgumentException">An option is null or out of its range; the message names it.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Head);
        ArgumentNullException.ThrowIfNull(Augmentation);
        ArgumentNullException.ThrowIfNull(Compile);
        Head.ValidateForFeatures();
        Network?.Validate();
        Guard?.Validate();
        if (Network?.Guard is not null)
        {
            throw new ArgumentException("Give the guard to the run, not to its network: it then holds for all stages.", nameof(Guard));
        }

        Augmentation.Check();
        Preprocessing?.Check();
        if (HybridSplit.IsAsked(Compile) && MemoryBytes is not null) throw HybridSplit.NoBound();
        if (FindSuspects && MemoryBytes is not null)
        {
            throw new ThomasException(
                "The search for wrong labels keeps to no memory bound; leave out the bound, or search with LabelAudit in a run of its own.");
        }

        if (MemoryBytes is <= 0) throw new ArgumentOutOfRangeException(nameof(MemoryBytes), MemoryBytes, "The memory bound must be above 0.");
        if (!(ValidationShare is > 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(
                nameof(ValidationShare), ValidationShare,
                FormattableString.Invariant($"The validation share is {ValidationShare}; it must be above 0 and below 1."));
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(Views, 1);
        if (Views > 1 && Network is not null)
        {
            throw new ArgumentException("Views apply to the last layer only: when more is trained, the images change in every epoch.", nameof(Views));
        }

        if (Views > 1 && Augmentation.IsNone)
        {
            throw new ArgumentException($"{Views} views of each image need an augmentation; without one they would all be the same.", nameof(Views));
        }
    }
}
