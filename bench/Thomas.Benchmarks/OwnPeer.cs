using System;
using Thomas.Runtime;

namespace Thomas.Benchmarks;

/// <summary>Another executable of the same network.</summary>
/// <param name="executable">The executable, from now on its property.</param>
/// <param name="images">Its input.</param>
internal sealed class OwnPeer(Executable executable, float[] images) : IPeer
{
    /// <inheritdoc/>
    public ReadOnlySpan<float> Output => executable.Output();

    /// <inheritdoc/>
    public void Run()
    {
        images.CopyTo(executable.Input());
        executable.Run();
    }

    /// <inheritdoc/>
    public void Dispose() => executable.Dispose();
}
