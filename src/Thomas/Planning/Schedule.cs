using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>A graph whose node order is the order of execution, and what scratch memory each node needs.</summary>
/// <param name="Graph">The graph.</param>
/// <param name="WorkspaceBytes">Scratch bytes of each node.</param>
internal sealed record Schedule(Graph Graph, IReadOnlyList<long> WorkspaceBytes)
{
    /// <summary>The ranges of the values in this order.</summary>
    public LiveRanges Live() => new(Graph, WorkspaceBytes);
}
