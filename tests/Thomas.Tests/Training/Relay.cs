using System;

namespace Thomas.Tests.Training;

/// <summary>Hands reports on at once, on the reporting thread.</summary>
internal sealed class Relay<T>(Action<T> report) : IProgress<T>
{
    public void Report(T value) => report(value);
}
