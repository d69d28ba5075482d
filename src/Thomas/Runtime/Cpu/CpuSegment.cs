using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>Kernels of the CPU: a flat list of calls, which run when they are put into the queue.</summary>
internal sealed class CpuSegment(BoundKernel[] steps, ThreadTeam team) : Segment
{
    private readonly BoundKernel[] _calls = ElementChains.Join(KeptResults.Join(steps));

    /// <inheritdoc/>
    public override IReadOnlyList<Node> Nodes { get; } = Array.ConvertAll(steps, static step => step.Node);

    /// <inheritdoc/>
    public override int Calls => _calls.Length;

    /// <inheritdoc/>
    public override string NameOf(int index) => steps[index].Kernel.Name;

    /// <inheritdoc/>
    public override void Run()
    {
        foreach (BoundKernel call in _calls) RunStep(call);
    }

    /// <inheritdoc/>
    public override void RunOne(int index) => RunStep(steps[index]);

    private void RunStep(in BoundKernel step)
    {
        CpuKernel kernel = step.Kernel;
        int phases = kernel.Phases;
        for (int phase = 0; phase < phases; phase++)
        {
            int items = kernel.Items(phase);
            if (items == 0) continue;
            if (step.Shared) team.Run(kernel, phase, items, step.Wakes);
            else kernel.Run(phase, 0, items, 0);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }
}
