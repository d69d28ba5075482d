using System;

namespace Thomas.Benchmarks;

/// <summary>A tool of the program.</summary>
/// <param name="Name">Its name, the first argument.</param>
/// <param name="Required">How many arguments it needs after that.</param>
/// <param name="Run">Runs it with the arguments after its name; returns the exit code.</param>
/// <param name="Usage">The arguments after its name.</param>
internal sealed record BenchmarkCommand(string Name, int Required, BenchmarkRun Run, string Usage);

/// <summary>What runs a tool.</summary>
internal delegate int BenchmarkRun(ReadOnlySpan<string> args);
