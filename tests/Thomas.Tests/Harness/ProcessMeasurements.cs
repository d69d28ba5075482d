using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>Tests that measure the whole process, such as what all threads allocate: they run one after the other when all others are done.</summary>
[CollectionDefinition(nameof(ProcessMeasurements), DisableParallelization = true)]
public sealed class ProcessMeasurements;
