namespace Thomas.Architectures;

/// <summary>
/// A way in which copies of a published network differ from each other. Many do not show in the weights: the same tensors fit, and the scores are wrong.
/// </summary>
/// <param name="Word">How to ask for it in <see cref="ArchitectureOptions.Variant"/>, for example <c>relu6</c>.</param>
/// <param name="Description">What it changes, and who has it so.</param>
public readonly record struct ArchitectureVariant(string Word, string Description);
