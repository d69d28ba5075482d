using System.Collections.Generic;
using Thomas.Data;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>What tuning produced and how it went.</summary>
public sealed class TuningResult
{
    /// <summary>The model with its new head, the best weights seen, labels and preprocessing inside.</summary>
    public required Model Model { get; init; }

    /// <summary>Class names in the order of the model's outputs and of the matrices below.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>The baseline: validation of what is there without training. It has as many classes as <see cref="After"/> and the same images.</summary>
    public required ConfusionMatrix Before { get; init; }

    /// <summary>What was measured before training, for example a nearest-centroid classifier on the same features.</summary>
    public required string BeforeMethod { get; init; }

    /// <summary>
    /// Validation with the weights kept. The epoch was chosen by these same images, so this is slightly better than what other images will give. See
    /// <see cref="Checked"/>.
    /// </summary>
    public required ConfusionMatrix After { get; init; }

    /// <summary>Validation with the new last layer alone, where more was trained after it; else null.</summary>
    public ConfusionMatrix? AfterLastLayer { get; init; }

    /// <summary>How training of the layers before the last went; null where the last layer alone was trained.</summary>
    public TrainerResult? Network { get; init; }

    /// <summary>One entry per epoch: of the network where it was trained, else of the last layer.</summary>
    public required IReadOnlyList<EpochReport> Epochs { get; init; }

    /// <summary>The epoch whose weights were kept, from 1; 0 if no epoch of the network's training was better than its start.</summary>
    public required int BestEpoch { get; init; }

    /// <summary>Training images used.</summary>
    public required int TrainingImages { get; init; }

    /// <summary>Images that could not be decoded and were left out.</summary>
    public required IReadOnlyList<BrokenImage> Broken { get; init; }

    /// <summary>The preprocessing used.</summary>
    public required ImageInput Input { get; init; }

    /// <summary>What each stage took.</summary>
    public required StageTimes Times { get; init; }

    /// <summary>What the guard of <see cref="TuningOptions.Guard"/> did; null without one.</summary>
    public PauseReport? Pauses { get; init; }

    /// <summary>
    /// Whether training was cancelled, or ended by its guard (<see cref="PauseReport.StopReason"/>); the model then holds the best weights up to that point.
    /// </summary>
    public required bool Cancelled { get; init; }

    /// <summary>Decisions and warnings, for the log.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    /// <summary>What the user must know: class names that look the same, classes that were not checked, a result below the baseline.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>
    /// How many of the model's old classes were kept, the first ones of <see cref="Labels"/>; 0 without <see cref="TuningOptions.KeepClasses"/>.
    /// </summary>
    public int KeptClasses { get; init; }

    /// <summary>How many of the kept classes there were new images of.</summary>
    public int KnownClasses { get; init; }

    /// <summary>
    /// The model as it was, on what there is of its old classes: feature vectors that it carries of images which it was not trained on, and validation images
    /// of known classes. Null where there is nothing: then the old classes were not checked.
    /// </summary>
    public ConfusionMatrix? OldBefore { get; init; }

    /// <summary>The tuned model on the same; null where there is nothing.</summary>
    public ConfusionMatrix? OldAfter { get; init; }

    /// <summary>What <see cref="OldBefore"/> and <see cref="OldAfter"/> were measured on; empty where there is nothing.</summary>
    public string OldMethod { get; init; } = "";

    /// <summary>
    /// The tuned model's classes that neither <see cref="After"/> nor <see cref="OldAfter"/> says anything about: kept classes may be recognized far worse than
    /// before.
    /// </summary>
    public IReadOnlyList<string> UncheckedClasses
    {
        get
        {
            List<string> classes = [];
            for (int c = 0; c < Labels.Count; c++)
            {
                if (After.Support(c) == 0 && (OldAfter?.Support(c) ?? 0) == 0) classes.Add(Labels[c]);
            }

            return classes;
        }
    }

    /// <summary>What the accuracies were measured on, as a sentence.</summary>
    public string Checked => TuningWarnings.Checked(this);

    /// <summary>Whether the tuned model does worse on the validation images than the baseline of <see cref="Before"/>.</summary>
    public bool IsBelowBaseline => After.Accuracy < Before.Accuracy;

    /// <summary>
    /// The similarity below which the tuned model calls an image unknown, which is stored in it; null where none was found, see
    /// <see cref="Rehearsal.Threshold"/>.
    /// </summary>
    public UnknownThreshold? Unknown { get; init; }

    /// <summary>Why the model carries feature vectors but no threshold, as a clause; null if it carries one, or no vectors.</summary>
    public string? UnknownProblem { get; init; }

    /// <summary>What the run was planned to add to the process; null without a bound.</summary>
    public RunPlan? Plan { get; init; }

    /// <summary>
    /// What the tuned model makes of each validation image, in the order of the data set; null without <see cref="TuningOptions.KeepPredictions"/>, and where
    /// the training of a network was cancelled.
    /// </summary>
    public IReadOnlyList<ImagePrediction>? Predictions { get; init; }

    /// <summary>
    /// Training and validation images whose label another class fits better, the largest doubt first, as <see cref="LabelAudit"/> finds them on the features
    /// before training. Null where they were not looked for, see <see cref="TuningOptions.FindSuspects"/>.
    /// </summary>
    public IReadOnlyList<LabelSuspect>? Suspects { get; init; }

    /// <summary>
    /// Names of the kernels of the frozen part or of the training step, in the order they run; empty if all features were read from the cache.
    /// </summary>
    public required IReadOnlyList<string> Kernels { get; init; }

    /// <summary>Why the last layer of a network that was trained in 8 bits is float32; null where it is not.</summary>
    internal string? FloatLastLayer { get; init; }
}
