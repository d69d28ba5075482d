using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>Settings of the gradient of slicing; one entry per axis.</summary>
/// <param name="Begin">First index that the slice takes.</param>
/// <param name="Step">Distance from one index taken to the next.</param>
/// <param name="Dims">Sizes of the tensor that is sliced.</param>
internal sealed record SliceGradientAttributes(IntList Begin, IntList Step, IntList Dims) : OpAttributes;
