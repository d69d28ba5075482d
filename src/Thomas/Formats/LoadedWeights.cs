using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas;

/// <summary>A graph with the weights of a file.</summary>
/// <param name="Graph">The network; a new graph.</param>
/// <param name="Notes">What a person should know about how the weights were put in, the file's own notes first.</param>
public sealed record LoadedWeights(Graph Graph, IReadOnlyList<string> Notes);
