using System;
using System.Diagnostics;
using System.IO;
using Thomas.Autodiff;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How the learning rate falls after the warm-up.</summary>
public enum RateDecay
{
    /// <summary>Half a cosine, step by step, down to a share of the peak.</summary>
    Cosine,

    /// <summary>Times a factor every few epochs.</summary>
    Steps,
}

/// <summary>
/// How a network is trained. The defaults fine-tune all of a stock model on some hundred to some thousand images; those of <see cref="LastLayer"/> train a last
/// layer alone.
/// </summary>
public sealed record TrainerOptions
{
    /// <summary>
    /// The defaults for a last layer that is trained on the features of the layers before it, meant for 20 to 2,000 images and any network. Features are
    /// standardized, so the rate suits every network: where it is null it is <c>0.04 / sqrt(n)</c> for Adam and AdamW and <c>3 / n</c> for SGD, n being the
    /// number of features, so that a step moves a logit about equally far everywhere. Weight decay, where it is null, is <c>sqrt(n) / 12</c> for AdamW (a step
    /// at the peak then shrinks the weights by 1/300) and 0.001 otherwise.
    /// </summary>
    public static TrainerOptions LastLayer { get; } = new()
    {
        Policy = UpdatePolicy.Last,
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW, Nesterov = true },
        Epochs = 50,
        WarmupShare = 0.05f,
        EarlyStoppingPatience = 15,
        LoaderThreads = 0,
    };

    /// <summary>Which parameters are trained.</summary>
    public UpdatePolicy Policy { get; init; } = UpdatePolicy.All;

    /// <summary>
    /// What batch normalization does; null is <see cref="BatchNormMode.Live"/> from scratch and <see cref="BatchNormMode.Frozen"/> otherwise.
    /// </summary>
    public BatchNormMode? BatchNorm { get; init; }

    /// <summary>The update rule.</summary>
    public OptimizerOptions Optimizer { get; init; } = new() { Kind = OptimizerKind.AdamW };

    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 20;

    /// <summary>Images of a step.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>Images that are in memory at once; gradients are summed over a step. Must divide <see cref="BatchSize"/>; null is all of it.</summary>
    public int? MicroBatch { get; init; }

    /// <summary>
    /// Bound of what the plan of a step may take (<see cref="TrainingMemory.Total"/>): the batch is then cut into micro-batches and forward results are
    /// computed again as far as needed, validation takes one image at a time, and the state to go back to lies in a temporary file. Null for no bound. A bound
    /// of all that a run adds to its process is
    /// <see cref="RunPlanner"/>'s.
    /// </summary>
    public long? MemoryBytes { get; init; }

    /// <summary>
    /// In which form activations are kept for the backward pass. <see cref="Compression.Auto"/> lets the planner choose where <see cref="MemoryBytes"/> bounds
    /// it.
    /// </summary>
    public Compression Compression { get; init; }

    /// <summary>What the whole run takes beside the step and counts towards <see cref="MemoryBytes"/>; null for nothing.</summary>
    internal Func<TrainingPlan, long>? Beside { get; init; }

    /// <summary>A plan of such a run that was made before; null for none.</summary>
    internal TrainingPlan? Planned { get; init; }

    /// <summary>Peak learning rate; null picks one, see <see cref="AutomaticLearningRate"/>.</summary>
    public float? LearningRate { get; init; }

    /// <summary>How the rate falls after the warm-up.</summary>
    public RateDecay Decay { get; init; }

    /// <summary>Share of the steps in which the rate rises to its peak, in [0, 1).</summary>
    public float WarmupShare { get; init; } = 0.2f;

    /// <summary>Rate of the last step as a share of the peak, for <see cref="RateDecay.Cosine"/>, in [0, 1].</summary>
    public float FinalLearningRateShare { get; init; }

    /// <summary>Epochs from one fall of the rate to the next, for <see cref="RateDecay.Steps"/>.</summary>
    public int DecayEpochs { get; init; } = 10;

    /// <summary>What the rate is multiplied by then, in (0, 1].</summary>
    public float DecayFactor { get; init; } = 0.1f;

    /// <summary>Share of the probability that targets spread evenly over all classes, in [0, 1).</summary>
    public float LabelSmoothing { get; init; } = 0.1f;

    /// <summary>What to do when some classes have far more images than others.</summary>
    public ClassBalance ClassBalance { get; init; } = ClassBalance.Weighted;

    /// <summary>What the images of each class count for together, in proportion; null leaves that to <see cref="ClassBalance"/>.</summary>
    internal float[]? ClassShares { get; init; }

    /// <summary>
    /// Mixup (Zhang et al. 2018): an image becomes <c>l * itself + (1 - l) * another</c>, its target likewise, l drawn from Beta(a, a) with this a; 0 is off.
    /// With
    /// <see cref="CutMix"/> also on, each image gets one of the two.
    /// </summary>
    public float Mixup { get; init; }

    /// <summary>
    /// CutMix (Yun et al. 2019): a rectangle of another image covers a share 1 - l of the area, l drawn from Beta(a, a) with this a; 0 is off.
    /// </summary>
    public float CutMix { get; init; }

    /// <summary>Share of the last layer's inputs that become zero in training, in [0, 1).</summary>
    public float Dropout { get; init; }

    /// <summary>Changes made to every training image anew in each epoch.</summary>
    public Augmentation Augmentation { get; init; } = new();

    /// <summary>Stops after so many epochs in a row without a new best; 0 never stops early. Needs validation images.</summary>
    public int EarlyStoppingPatience { get; init; }

    /// <summary>
    /// Whether classes of the model that the data set does not have stay; else the model gets a new last layer for the data set's classes where they differ.
    /// </summary>
    public bool KeepClasses { get; init; }

    /// <summary>
    /// Leaves class scores before the softmax (logits) in the trained model. Otherwise it ends in a softmax, so that every program that reads it shows
    /// probabilities.
    /// </summary>
    public bool OutputLogits { get; init; }

    /// <summary>
    /// Decides initial weights, order of the images and all that is random. The same seed gives the same bits on one processor, whatever the threads.
    /// </summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Overrides what the model says; the prepared sets must fit it.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>Device and threads.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>Pauses training while the device is too hot or its battery too low; null never does. It does not change the result.</summary>
    public RunGuard? Guard { get; init; }

    /// <summary>The guard of a run that this training is a part of, in the place of <see cref="Guard"/>; null for none.</summary>
    internal GuardWatch? Watch { get; init; }

    /// <summary>Threads that prepare images beside those that compute; 0 prepares each batch when it is needed.</summary>
    public int LoaderThreads { get; init; } = 1;

    /// <summary>
    /// Steps from one check of all parameters, and one state to roll back to, to the next; the loss is checked at each step. Epochs end with both. A state
    /// whose loss is more than ten times <c>1 + ln(classes)</c> is never rolled back to.
    /// </summary>
    public int WatchdogSteps { get; init; } = 100;

    /// <summary>
    /// File that training can be resumed from, to the same bits; written after each epoch and when training is canceled. Each file is also a state to roll back
    /// to: after numbers that are not finite, a run with other files may go on from another step. Null for none.
    /// </summary>
    public string? CheckpointPath { get; init; }

    /// <summary>Also writes it every so many steps; 0 for never.</summary>
    public int CheckpointSteps { get; init; }

    /// <summary>Also writes it when this much time has passed since the last.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Continues from <see cref="CheckpointPath"/> if that file exists. Of the options only <see cref="Epochs"/> may differ from that run's: a finished run is
    /// given more, or an unfinished one more or fewer; the learning rate then continues as in a run of the new number. Epochs that are done stay done.
    /// </summary>
    public bool Resume { get; init; }

    /// <summary>
    /// Lets <see cref="Resume"/> continue with other images of the same classes, for training, validation or both; without this they are refused. The epoch
    /// that the checkpoint lies in starts again, and the best weights so far are measured again with the new validation images.
    /// </summary>
    public bool NewImages { get; init; }

    /// <summary>Stands between checkpoints and their file, for tests.</summary>
    internal Func<Stream, Stream>? CheckpointStream { get; init; }

    /// <summary>See <see cref="TrainingGraphOptions.ScalesGradients"/>; for measurements without a memory bound.</summary>
    internal bool ScalesGradients { get; init; } = true;

    /// <summary>What batch normalization does.</summary>
    internal BatchNormMode BatchNormMode => BatchNorm ?? (Policy.Kind == UpdateKind.Scratch ? BatchNormMode.Live : BatchNormMode.Frozen);

    /// <summary>The update rule with the rate of the body decided.</summary>
    internal OptimizerOptions DecidedOptimizer => Optimizer with { BodyRate = Optimizer.BodyRate ?? AutomaticBodyRate() };

    /// <summary>What the planner of a step is told. A set smaller than the batch is one step; given micro-batches fix its rows.</summary>
    /// <param name="images">Images to train with; 0 where they are not known yet.</param>
    internal TrainingPlanOptions ToPlan(int images) => new()
    {
        Policy = Policy,
        BatchNorm = BatchNormMode,
        Optimizer = DecidedOptimizer,
        Batch = images > 0 && MicroBatch is null ? Math.Min(BatchSize, images) : BatchSize,
        MicroBatch = MicroBatch,
        MemoryBytes = MemoryBytes,
        Compression = Compression,
        Beside = Beside,
        Dropout = Dropout,
        DropoutSeed = Seed,
        Compile = Compile,
    };

    /// <summary>The learning rate that is used when <see cref="LearningRate"/> is null: the last layer's, see <see cref="AutomaticBodyRate"/>.</summary>
    /// <returns>
    /// Adam and AdamW: 1e-3 at 32 images a step, in proportion to the batch's square root. SGD with momentum m: <c>0.03 * (1 - m)</c>, from scratch <c>0.5 * (1
    /// - m)</c>, in proportion to the batch (Goyal et al. 2017).
    /// </returns>
    public float AutomaticLearningRate() => Optimizer.Kind switch
    {
        OptimizerKind.Sgd => (Policy.Kind == UpdateKind.Scratch ? 0.5f : 0.03f) * (1 - Optimizer.Momentum) * BatchSize / 32,
        OptimizerKind.Adam or OptimizerKind.AdamW => 1e-3f * MathF.Sqrt(BatchSize / 32f),
        _ => throw new UnreachableException($"There is no rate for {Optimizer.Kind}."),
    };

    /// <summary>What <see cref="OptimizerOptions.BodyRate"/> is when it is null.</summary>
    /// <returns>
    /// 1 from scratch. Otherwise the last layer learns faster than the layers that already know something: 0.2 of its rate for Adam and AdamW, 0.1 for SGD, and
    /// for policies that train no filters 1 and 0.3.
    /// </returns>
    public float AutomaticBodyRate() => (Policy.Kind, Optimizer.Kind) switch
    {
        (UpdateKind.Scratch, _) => 1,
        (UpdateKind.Bias or UpdateKind.Norm, OptimizerKind.Sgd) => 0.3f,
        (UpdateKind.Bias or UpdateKind.Norm, OptimizerKind.Adam or OptimizerKind.AdamW) => 1,
        (UpdateKind.Last or UpdateKind.LastLayers or UpdateKind.All or UpdateKind.Sparse, OptimizerKind.Sgd) => 0.1f,
        (UpdateKind.Last or UpdateKind.LastLayers or UpdateKind.All or UpdateKind.Sparse, OptimizerKind.Adam or OptimizerKind.AdamW) => 0.2f,
        _ => throw new UnreachableException($"There is no rate for {Policy.Kind} and {Optimizer.Kind}."),
    };

    /// <summary>The options for rows of so many features, with what <see cref="LastLayer"/> says of them decided.</summary>
    internal TrainerOptions ForFeatures(int features) => this with
    {
        LearningRate = LearningRate ?? Optimizer.Kind switch
        {
            OptimizerKind.Sgd => 3.0f / features,
            OptimizerKind.Adam or OptimizerKind.AdamW => 0.04f / MathF.Sqrt(features),
            _ => throw new UnreachableException($"There is no rate for {Optimizer.Kind}."),
        },
        Optimizer = Optimizer with { WeightDecay = Optimizer.WeightDecay ?? (Optimizer.Kind == OptimizerKind.AdamW ? MathF.Sqrt(features) / 12 : 0.001f) },
    };

    /// <summary>As <see cref="Validate"/>, for training on features.</summary>
    /// <exception cref="ArgumentException">An option is out of its range, or is about images or other layers; the message names it.</exception>
    internal void ValidateForFeatures()
    {
        Validate();
        RequireUnset(Policy.Kind == UpdateKind.Last, nameof(Policy));
        RequireUnset(BatchNorm is null, nameof(BatchNorm));
        RequireUnset(MicroBatch is null, nameof(MicroBatch));
        RequireUnset(MemoryBytes is null, nameof(MemoryBytes));
        RequireUnset(Compression == Compression.None, nameof(Compression));
        RequireUnset(CutMix == 0, nameof(CutMix));
        RequireUnset(Augmentation.IsNone, nameof(Augmentation));
        RequireUnset(!KeepClasses, nameof(KeepClasses));
        RequireUnset(Preprocessing is null, nameof(Preprocessing));
        RequireUnset(CheckpointPath is null, nameof(CheckpointPath));
        if (Guard is not null) throw new ArgumentException("Give the guard to the run, not to its last layer: it then holds for all stages.", nameof(Guard));
    }

    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(Optimizer);
        ArgumentNullException.ThrowIfNull(Augmentation);
        ArgumentNullException.ThrowIfNull(Compile);
        Optimizer.Validate();
        Guard?.Validate();
        Augmentation.Check();
        Require(BatchNorm is null || Enum.IsDefined(BatchNorm.Value), nameof(BatchNorm), (int)(BatchNorm ?? 0), "one of the defined modes");
        Require(Epochs >= 1, nameof(Epochs), Epochs, "at least 1");
        Require(BatchSize >= 1, nameof(BatchSize), BatchSize, "at least 1");
        Require(
            MicroBatch is null || (MicroBatch >= 1 && BatchSize % MicroBatch == 0), nameof(MicroBatch), MicroBatch ?? 0,
            FormattableString.Invariant($"a divisor of the batch of {BatchSize}"));
        Require(Enum.IsDefined(Compression), nameof(Compression), (int)Compression, "one of the defined ones");
        Require(MemoryBytes is null or > 0, nameof(MemoryBytes), MemoryBytes ?? 0, "above 0");
        Require(
            LearningRate is null || (LearningRate > 0 && float.IsFinite(LearningRate.Value)), nameof(LearningRate), LearningRate ?? 0, "above 0 and finite");
        Require(Enum.IsDefined(Decay), nameof(Decay), (int)Decay, "one of the defined ways");
        Require(WarmupShare is >= 0 and < 1, nameof(WarmupShare), WarmupShare, "in [0, 1)");
        Require(FinalLearningRateShare is >= 0 and <= 1, nameof(FinalLearningRateShare), FinalLearningRateShare, "in [0, 1]");
        Require(DecayEpochs >= 1, nameof(DecayEpochs), DecayEpochs, "at least 1");
        Require(DecayFactor is > 0 and <= 1, nameof(DecayFactor), DecayFactor, "in (0, 1]");
        Require(LabelSmoothing is >= 0 and < 1, nameof(LabelSmoothing), LabelSmoothing, "in [0, 1)");
        Require(Enum.IsDefined(ClassBalance), nameof(ClassBalance), (int)ClassBalance, "one of the defined balances");
        Require(Mixup >= 0 && float.IsFinite(Mixup), nameof(Mixup), Mixup, "0 or more and finite");
        Require(CutMix >= 0 && float.IsFinite(CutMix), nameof(CutMix), CutMix, "0 or more and finite");
        Require(Dropout is >= 0 and < 1, nameof(Dropout), Dropout, "in [0, 1)");
        Require(EarlyStoppingPatience >= 0, nameof(EarlyStoppingPatience), EarlyStoppingPatience, "0 or more");
        Require(LoaderThreads is >= 0 and <= 64, nameof(LoaderThreads), LoaderThreads, "in [0, 64]");
        Require(WatchdogSteps >= 1, nameof(WatchdogSteps), WatchdogSteps, "at least 1");
        Require(CheckpointSteps >= 0, nameof(CheckpointSteps), CheckpointSteps, "0 or more");
        Require(CheckpointInterval > TimeSpan.Zero, nameof(CheckpointInterval), CheckpointInterval.TotalSeconds, "more than no time");
    }

    private static void RequireUnset(bool holds, string name)
    {
        if (!holds) throw new ArgumentException($"{name} does not apply to a last layer that is trained on features.", name);
    }

    private static void Require(bool holds, string name, double value, string allowed)
    {
        if (!holds) throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} is {value}; it must be {allowed}."));
    }
}
