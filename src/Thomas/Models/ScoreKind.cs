namespace Thomas;

/// <summary>What the numbers of a classifier's output are.</summary>
public enum ScoreKind
{
    /// <summary>Unbounded scores: a softmax over them, or for a single output a sigmoid, gives probabilities.</summary>
    Logit,

    /// <summary>Probabilities, 0 to 1: the model ends in a softmax, a sigmoid or the like.</summary>
    Probability,

    /// <summary>Natural logarithms of probabilities (log-softmax).</summary>
    LogProbability,

    /// <summary>Numbers between two other bounds, for example -1 and 1 for tanh; they are scaled to 0..1.</summary>
    Bounded,
}
