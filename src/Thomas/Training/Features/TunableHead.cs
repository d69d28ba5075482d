namespace Thomas.Training;

/// <summary>What <see cref="Tuner"/> would tune in a model.</summary>
/// <param name="Description">What was found, as a sentence for the log.</param>
/// <param name="Features">Length of the feature vector that the frozen part makes of an image.</param>
/// <param name="KeepableClasses">Old classes that <see cref="TuningOptions.KeepClasses"/> can keep; null where the old head is no plain linear layer.</param>
public sealed record TunableHead(string Description, int Features, int? KeepableClasses);
