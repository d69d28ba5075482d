using System;
using System.Diagnostics;
using Thomas.Graphs;
using Thomas.Ops;

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

/// <summary>How gradients become updates.</summary>
public sealed record OptimizerOptions
{
    /// <summary>The rule.</summary>
    public OptimizerKind Kind { get; init; } = OptimizerKind.Sgd;

    /// <summary>Momentum of <see cref="OptimizerKind.Sgd"/>, in [0, 1).</summary>
    public float Momentum { get; init; } = 0.9f;

    /// <summary>Nesterov's form of the momentum, for <see cref="OptimizerKind.Sgd"/>.</summary>
    public bool Nesterov { get; init; }

    /// <summary>Decay of Adam's first moment.</summary>
    public float Beta1 { get; init; } = 0.9f;

    /// <summary>Decay of Adam's second moment.</summary>
    public float Beta2 { get; init; } = 0.999f;

    /// <summary>Adam's epsilon.</summary>
    public float Epsilon { get; init; } = 1e-8f;

    /// <summary>
    /// Weight decay of filters and matrices; biases, scales, shifts and slopes have none, unless <see cref="DecayAll"/>. Null is 0.01 for AdamW and 1e-4
    /// otherwise; for a last layer that is trained on features, see <see cref="TrainerOptions.LastLayer"/>.
    /// </summary>
    public float? WeightDecay { get; init; }

    /// <summary>Whether biases, scales, shifts and slopes decay too, as PyTorch does by default.</summary>
    public bool DecayAll { get; init; }

    /// <summary>Whether SGD's weight decay shrinks weights directly instead of joining the gradient; AdamW's always does, Adam's never.</summary>
    public bool DecoupledDecay { get; init; }

    /// <summary>
    /// Learning rate of the layers before the last as a share of the last one's; null leaves it to <see cref="TrainerOptions.AutomaticBodyRate"/>.
    /// </summary>
    public float? BodyRate { get; init; }

    /// <summary>Upper bound of the norm of all gradients together; null for none. It needs a sum of every gradient to be kept.</summary>
    public float? ClipNorm { get; init; }

    /// <summary>Decay of an average of the weights over the steps, which then is what is evaluated and saved; null for none.</summary>
    public float? AverageDecay { get; init; }

    /// <summary>The weight decay, whether given or not.</summary>
    internal float DecidedWeightDecay => WeightDecay ?? Kind switch
    {
        OptimizerKind.AdamW => 0.01f,
        OptimizerKind.Sgd or OptimizerKind.Adam => 1e-4f,
        _ => throw new UnreachableException($"There is no weight decay for {Kind}."),
    };

    /// <summary>The update operator.</summary>
    internal UpdateOp Op => Kind switch
    {
        OptimizerKind.Sgd => OpCatalog.SgdUpdate,
        OptimizerKind.Adam or OptimizerKind.AdamW => OpCatalog.AdamUpdate,
        _ => throw new UnreachableException($"There is no update for {Kind}."),
    };

    /// <summary>The update operator's settings for a parameter.</summary>
    internal OpAttributes Attributes(TrainedParameter parameter)
    {
        float decay = DecayAll || parameter.Role == Autodiff.ParameterRole.Weight ? DecidedWeightDecay : 0, rate = parameter.IsHead ? 1 : BodyRate ?? 1;
        return Kind switch
        {
            OptimizerKind.Sgd => new SgdAttributes(Momentum, Nesterov, decay, DecoupledDecay, rate),
            OptimizerKind.Adam or OptimizerKind.AdamW => new AdamAttributes(Beta1, Beta2, Epsilon, decay, Kind == OptimizerKind.AdamW, rate),
            _ => throw new UnreachableException($"There is no update for {Kind}."),
        };
    }

    /// <summary>Fills the control vector of <see cref="UpdateOp"/>.</summary>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientScale">Factor on all gradients.</param>
    /// <param name="step">Number of the step, from 1.</param>
    /// <param name="control">Receives <see cref="UpdateOp.ControlLength"/> numbers.</param>
    internal void WriteControl(float rate, float gradientScale, long step, Span<float> control)
    {
        control[0] = rate;
        control[1] = gradientScale;
        control[2] = (float)(1 / (1 - Math.Pow(Beta1, step)));
        control[3] = (float)(1 / Math.Sqrt(1 - Math.Pow(Beta2, step)));
    }

    /// <exception cref="ArgumentException">An option is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require(Enum.IsDefined(Kind), nameof(Kind), (int)Kind, "one of the defined optimizers");
        Require(Momentum is >= 0 and < 1, nameof(Momentum), Momentum, "in [0, 1)");
        Require(Beta1 is >= 0 and < 1, nameof(Beta1), Beta1, "in [0, 1)");
        Require(Beta2 is >= 0 and < 1, nameof(Beta2), Beta2, "in [0, 1)");
        Require(Epsilon > 0 && float.IsFinite(Epsilon), nameof(Epsilon), Epsilon, "above 0 and finite");
        Require(WeightDecay is null || (WeightDecay >= 0 && float.IsFinite(WeightDecay.Value)), nameof(WeightDecay), WeightDecay ?? 0, "0 or more and finite");
        Require(BodyRate is null || (BodyRate >= 0 && float.IsFinite(BodyRate.Value)), nameof(BodyRate), BodyRate ?? 0, "0 or more and finite");
        Require(ClipNorm is null || (ClipNorm > 0 && float.IsFinite(ClipNorm.Value)), nameof(ClipNorm), ClipNorm ?? 0, "above 0 and finite");
        Require(AverageDecay is null or (> 0 and < 1), nameof(AverageDecay), AverageDecay ?? 0, "between 0 and 1");
    }

    private static void Require(bool holds, string name, double value, string allowed)
    {
        if (!holds) throw new ArgumentOutOfRangeException(name, value, FormattableString.Invariant($"{name} is {value}; it must be {allowed}."));
    }
}
