namespace Thomas;

/// <summary>One class of a classification.</summary>
/// <param name="Index">Number of the class: its position among the model's outputs, or for a model of a single output 1 where the output is high and 0 where it
/// is low.</param>
/// <param name="Label">The class's name, or its index as text where the model has no labels.</param>
/// <param name="Probability">
/// 0 to 1. The model's own where it ends in a softmax or a sigmoid, else the softmax of its outputs (the sigmoid of a single one); see
/// <see cref="ClassOutput.Kind"/>. Those of all classes add up to 1 unless <see cref="ClassOutput.IsIndependent"/>.
/// </param>
/// <param name="Score">The model's own output, for example a logit; for class 0 of a single output its counterpart, for example 1 minus the
/// probability.</param>
public readonly record struct ClassScore(int Index, string Label, float Probability, float Score);
