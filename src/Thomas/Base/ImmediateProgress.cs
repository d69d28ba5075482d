using System;

namespace Thomas;

/// <summary>
/// Passes reports on at once, in order, on the thread that reports: for programs without a window, such as console programs, whose output would otherwise
/// come after the result. <see cref="Progress{T}"/> posts every report to the thread it was made on or, where that has no queue of its own, to the thread
/// pool; it is the right one for windows.
/// </summary>
/// <typeparam name="T">What is reported.</typeparam>
public sealed class ImmediateProgress<T> : IProgress<T>
{
    private readonly Action<T> _report;

    /// <summary>Creates the receiver.</summary>
    /// <param name="report">Gets every report. The work waits until it returns; an exception that it throws ends the work.</param>
    public ImmediateProgress(Action<T> report)
    {
        ArgumentNullException.ThrowIfNull(report);
        _report = report;
    }

    /// <inheritdoc/>
    public void Report(T value) => _report(value);
}
