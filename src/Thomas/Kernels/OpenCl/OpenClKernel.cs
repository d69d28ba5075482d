using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>What runs a node on an OpenCL device: launches, one after the other.</summary>
/// <param name="name">dtype_kernel_tile, as logs and profiles show it.</param>
/// <param name="launches">The launches in order; none where there is nothing to do.</param>
internal sealed class OpenClKernel(string name, params OpenClLaunch[] launches) : DeviceKernel
{
    /// <inheritdoc/>
    public override string Name { get; } = $"{name}__opencl";

    /// <summary>The launches in order.</summary>
    public IReadOnlyList<OpenClLaunch> Launches => launches;

    /// <summary>The kernel for operands some of which lie in memory as 16-bit floats; null where it cannot take them.</summary>
    public OpenClKernel? Storing(HalfOperands halves)
    {
        if (halves == default) return this;
        if (ReadsOwnTypes) return null;
        OpenClLaunch[] stored = new OpenClLaunch[launches.Length];
        for (int i = 0; i < stored.Length; i++)
        {
            if (launches[i].Storing(halves) is not OpenClLaunch launch) return null;
            stored[i] = launch;
        }

        return new OpenClKernel($"{name}_half", stored) { Workspace = Workspace, Constants = Constants };
    }

    /// <summary>Bytes of memory that its launches share and nobody keeps.</summary>
    public long Workspace { get; init; }

    /// <summary>Bytes of memory that launches which run once fill, for all steps.</summary>
    public long Constants { get; init; }

    /// <summary>Operands that may be integers or 16-bit floats, and are read as they are; others are float32.</summary>
    public bool ReadsOwnTypes { get; init; }

    /// <summary>The same with more launches at its end.</summary>
    public OpenClKernel Then(params OpenClLaunch[] more) => Then("", 0, more);

    /// <summary>The same with more launches at its end.</summary>
    /// <param name="ending">How its name goes on.</param>
    /// <param name="workspace">Bytes of workspace that those launches use, from its beginning on.</param>
    /// <param name="more">The launches.</param>
    public OpenClKernel Then(string ending, long workspace, params OpenClLaunch[] more) => new($"{name}{ending}", [.. launches, .. more])
    {
        Workspace = Math.Max(Workspace, workspace),
        Constants = Constants,
        ReadsOwnTypes = ReadsOwnTypes,
    };

    /// <inheritdoc/>
    public override long ConstantBytes => Constants;

    /// <inheritdoc/>
    public override bool ReadsFloats(int input) => !ReadsOwnTypes;

    /// <inheritdoc/>
    public override bool WritesFloats => !ReadsOwnTypes;

    /// <inheritdoc/>
    public override long WorkspaceBytes(int threads) => Workspace;
}
