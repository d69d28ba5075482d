using System;

namespace Thomas.Benchmarks;

/// <summary>What takes turns with an executable.</summary>
internal interface IPeer : IDisposable
{
    /// <summary>The scores of the last run.</summary>
    ReadOnlySpan<float> Output { get; }

    /// <summary>One inference.</summary>
    void Run();
}
