using System;
using System.Collections.Generic;

namespace Thomas.Runtime;

/// <summary>What a <see cref="RunGuard"/> did in a run.</summary>
public sealed record PauseReport
{
    /// <summary>How long the run was paused.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>How often it was paused.</summary>
    public required int Count { get; init; }

    /// <summary>Why, one sentence for each kind of reason, with its number, duration and extreme.</summary>
    public required IReadOnlyList<string> Reasons { get; init; }

    /// <summary>Why the run was ended, as a clause; null if the guard did not end it.</summary>
    public string? StopReason { get; init; }

    /// <summary>The limits that had no effect because what they are about could not be read, each a sentence.</summary>
    public required IReadOnlyList<string> Warnings { get; init; }
}
