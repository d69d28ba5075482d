using System;
using System.Collections.Generic;
using System.Diagnostics;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>Nodes that run one after the other on one device, bound to their memory.</summary>
internal abstract class Segment : IDisposable
{
    /// <summary>The nodes in the order they run.</summary>
    public abstract IReadOnlyList<Node> Nodes { get; }

    /// <summary>Calls that <see cref="Run"/> makes; fewer than nodes where kernels are joined.</summary>
    public virtual int Calls => Nodes.Count;

    /// <summary>Name of a node's kernel.</summary>
    public abstract string NameOf(int index);

    /// <summary>Puts all work into the device's queue.</summary>
    public abstract void Run();

    /// <summary>Puts the work of one node into the device's queue.</summary>
    public abstract void RunOne(int index);

    /// <summary>Runs one node and waits for it.</summary>
    /// <param name="index">Which.</param>
    /// <param name="finish">Waits until all queues are empty.</param>
    /// <returns>Seconds that it took; where the device measures them itself, without the way there.</returns>
    public virtual double RunTimed(int index, Action finish)
    {
        long start = Stopwatch.GetTimestamp();
        RunOne(index);
        finish();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Frees what only it uses, once no work in the queue uses it.</summary>
    public abstract void Dispose();
}
