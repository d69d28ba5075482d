using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>A graph whose node order is the order of execution, and what scratch memory each node needs.</summary>
/// <param name="graph">The graph.</param>
/// <param name="workspaceBytes">Scratch bytes of each node.</param>
/// <param name="places">The devices that nodes are placed on; null for the CPU alone.</param>
/// <param name="origins">
/// For each node its number in the graph that scheduling began with, -1 for one that was added since; null where this is that graph.
/// </param>
internal sealed class Schedule(Graph graph, IReadOnlyList<long> workspaceBytes, IPlaces? places = null, IReadOnlyList<int>? origins = null)
{
    /// <summary>The graph.</summary>
    public Graph Graph { get; } = graph;

    /// <summary>Scratch bytes of each node.</summary>
    public IReadOnlyList<long> WorkspaceBytes { get; } = workspaceBytes;

    /// <summary>The devices that nodes are placed on.</summary>
    public IPlaces Places { get; } = places ?? CpuPlace.Instance;

    /// <summary>The number of a node in the graph that scheduling began with: of a node that is repeated, that of the node it repeats; -1 for one that
    /// was added.</summary>
    public int OriginOf(int node) => origins is null ? node : origins[node];

    /// <summary>The same work in another graph, made of nodes of this one.</summary>
    /// <param name="graph">The graph.</param>
    /// <param name="sources">For each of its nodes the number, in this graph, of the node that it stands for; -1 for an added node.</param>
    public Schedule With(Graph graph, IReadOnlyList<int> sources)
    {
        long[] workspaces = new long[sources.Count];
        int[] first = new int[sources.Count];
        for (int i = 0; i < first.Length; i++)
        {
            (workspaces[i], first[i]) = sources[i] < 0
                ? (Places.WorkspaceBytes(graph.Nodes[i]), -1)
                : (WorkspaceBytes[sources[i]], OriginOf(sources[i]));
        }

        return new Schedule(graph, workspaces, Places, first);
    }

    /// <summary>The ranges of the values in this order.</summary>
    /// <param name="share">Whether values may share memory.</param>
    public LiveRanges Live(bool share = true) => new(Graph, WorkspaceBytes, share, Places);
}
