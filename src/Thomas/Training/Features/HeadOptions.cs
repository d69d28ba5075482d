using System;
using System.Diagnostics;

namespace Thomas.Training;

/// <summary>How gradients become updates.</summary>
public enum OptimizerKind
{
    /// <summary>Stochastic gradient descent with momentum; weight decay is L2 (added to the gradient).</summary>
    Sgd,

    /// <summary>Adam; weight decay is L2 (added to the gradient).</summary>
    Adam,

    /// <summary>Adam with decoupled weight decay.</summary>
    AdamW,
}

/// <summary>What to do when some classes have far more images than others.</summary>
public enum ClassBalance
{
    /// <summary>Nothing: every image counts the same, and the best epoch is the one of highest accuracy.</summary>
    None,

    /// <summary>
    /// The loss of an image of class c is multiplied by <c>N / (C' * N[c])</c>, with N images, C' classes that have images and N[c] images of
    /// class c: every class counts the same. The best epoch is the one of highest mean recall. Changes nothing when all classes are equally large.
    /// </summary>
    Weighted,
}

/// <summary>How a classifier head is trained. The defaults are meant for 20 to 2,000 images and any network.</summary>
public sealed record HeadOptions
{
    /// <summary>Passes over the training images.</summary>
    public int Epochs { get; init; } = 50;

    /// <summary>Images in a step. The last batches are evened out: 300 images at 32 make ten batches of 30.</summary>
    public int BatchSize { get; init; } = 32;

    /// <summary>
    /// Peak learning rate, for standardized features (see <see cref="HeadTrainer"/>); null picks one from the number of features, see
    /// <see cref="AutomaticLearningRate"/>.
    /// </summary>
    public float? LearningRate { get; init; }

    /// <summary>How gradients become updates.</summary>
    public OptimizerKind Optimizer { get; init; } = OptimizerKind.AdamW;

    /// <summary>Momentum of <see cref="OptimizerKind.Sgd"/>, in [0, 1).</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>Nesterov's form of the momentum, for <see cref="OptimizerKind.Sgd"/>.</summary>
    public bool Nesterov { get; init; } = true;

    /// <summary>
    /// Weight decay of the weights, not of the biases: decoupled (times the learning rate) in <see cref="OptimizerKind.AdamW"/>, added to the gradient in
    /// the others; null picks one, see <see cref="AutomaticWeightDecay"/>.
    /// </summary>
    public float? WeightDecay { get; init; }

    /// <summary>Share of the probability that is spread evenly over all classes, in [0, 1).</summary>
    public float LabelSmoothing { get; init; } = 0.1f;

    /// <summary>Share of the steps in which the learning rate rises to its peak, in [0, 1).</summary>
    public float WarmupShare { get; init; } = 0.05f;

    /// <summary>Learning rate of the last step as a share of the peak, in [0, 1]; in between it follows half a cosine. 1 keeps it constant.</summary>
    public float FinalLearningRateShare { get; init; }

    /// <summary>Stops after so many epochs in a row without a new best; 0 never stops early. Needs validation images.</summary>
    public int EarlyStoppingPatience { get; init; } = 15;

    /// <summary>What to do when some classes have far more images than others.</summary>
    public ClassBalance ClassBalance { get; init; } = ClassBalance.Weighted;

    /// <summary>Upper bound of the gradient's Euclidean norm over all trained weights and biases; null for none.</summary>
    public float? ClipNorm { get; init; }

    /// <summary>Decides the order of the images and which of their views is seen when. The same seed gives the same bits on one processor.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The learning rate that is used when <see cref="LearningRate"/> is null.</summary>
    /// <param name="features">Features per image, at least 1.</param>
    /// <returns>
    /// <c>0.04 / sqrt(features)</c> for Adam and AdamW, <c>3 / features</c> for SGD: how far one step moves a logit is then about the same for every network.
    /// </returns>
    public float AutomaticLearningRate(int features)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        return Optimizer switch
        {
            OptimizerKind.Sgd => 3.0f / features,
            OptimizerKind.Adam or OptimizerKind.AdamW => 0.04f / MathF.Sqrt(features),
            _ => throw new UnreachableException($"There is no rate for {Optimizer}."),
        };
    }

    /// <summary>The weight decay that is used when <see cref="WeightDecay"/> is null.</summary>
    /// <param name="features">Features per image, at least 1.</param>
    /// <returns>
    /// <c>sqrt(features) / 12</c> for AdamW: together with the automatic learning rate, a step at its peak shrinks the weights by 1/300, whatever the
    /// network; 0.001 for SGD and Adam.
    /// </returns>
    public float AutomaticWeightDecay(int features)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(features, 1);
        return Optimizer switch
        {
            OptimizerKind.AdamW => MathF.Sqrt(features) / 12,
            OptimizerKind.Sgd or OptimizerKind.Adam => 0.001f,
            _ => throw new UnreachableException($"There is no weight decay for {Optimizer}."),
        };
    }

    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require(Epochs >= 1, nameof(Epochs), Epochs, "at least 1");
        Require(BatchSize >= 1, nameof(BatchSize), BatchSize, "at least 1");
        Require(LearningRate is null || (LearningRate > 0 && float.IsFinite(LearningRate.Value)), nameof(LearningRate), LearningRate ?? 0, "above 0 and finite");
        Require(Enum.IsDefined(Optimizer), nameof(Optimizer), (int)Optimizer, "one of the defined optimizers");
        Require(Momentum is >= 0 and < 1, nameof(Momentum), Momentum, "in [0, 1)");
        Require(WeightDecay is null || (WeightDecay >= 0 && float.IsFinite(WeightDecay.Value)), nameof(WeightDecay), WeightDecay ?? 0, "0 or more and finite");
        Require(LabelSmoothing is >= 0 and < 1, nameof(LabelSmoothing), LabelSmoothing, "in [0, 1)");
        Require(WarmupShare is >= 0 and < 1, nameof(WarmupShare), WarmupShare, "in [0, 1)");
        Require(FinalLearningRateShare is >= 0 and <= 1, nameof(FinalLearningRateShare), FinalLearningRateShare, "in [0, 1]");
        Require(EarlyStoppingPatience >= 0, nameof(EarlyStoppingPatience), EarlyStoppingPatience, "0 or more");
        Require(Enum.IsDefined(ClassBalance), nameof(ClassBalance), (int)ClassBalance, "one of the defined balances");
        Require(ClipNorm is null || (ClipNorm > 0 && float.IsFinite(ClipNorm.Value)), nameof(ClipNorm), ClipNorm ?? 0, "above 0 and finite");
    }

    private static void Require(bool holds, string name, double value, string allowed)
    {
        if (!holds) throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} is {value}; it must be {allowed}."));
    }
}
