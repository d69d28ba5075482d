using System;
using Thomas.Training;

namespace Thomas.App;

/// <summary>Passes epochs on at once and in order, which Progress&lt;T&gt; does not.</summary>
internal sealed class EpochRelay(IProgressDisplay display, int total) : IProgress<EpochReport>
{
    public void Report(EpochReport value) => display.Epoch(value, total);
}
