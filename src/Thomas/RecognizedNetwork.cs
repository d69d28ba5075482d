using System.Collections.Generic;
using Thomas.Architectures;

namespace Thomas;

/// <summary>The published network that weights belong to.</summary>
/// <param name="Architecture">Its architecture.</param>
/// <param name="Options">Classes, input, width and variant, as the weights have them.</param>
/// <param name="Notes">What the weights do not show and was assumed.</param>
public sealed record RecognizedNetwork(Architecture Architecture, ArchitectureOptions Options, IReadOnlyList<string> Notes);
