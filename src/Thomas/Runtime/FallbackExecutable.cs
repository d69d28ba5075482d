using System;
using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>
/// An executable of one input and one result that matters. Where its device fails, what is in the input is computed again on the CPU, and so is all that comes
/// later.
/// </summary>
internal sealed class FallbackExecutable : IDisposable
{
    private readonly Graph _source;
    private readonly int _batch;
    private readonly CompileOptions _options;
    private readonly Action<string>? _note;
    private Executable _executable;
    private bool _isOnHost;

    /// <summary>Compiles a graph; for the CPU if the device has no memory for it.</summary>
    /// <param name="graph">A model's graph.</param>
    /// <param name="batch">Size of the inputs' first axis.</param>
    /// <param name="options">The device.</param>
    /// <param name="note">Told that the device has failed, and which of its kernels cannot be used.</param>
    public FallbackExecutable(Graph graph, int batch, CompileOptions options, Action<string>? note)
    {
        (_source, _batch, _options, _note) = (graph, batch, options, note);
        try
        {
            _executable = Executable.Compile(graph, batch, options);
        }
        catch (ThomasException e) when (DeviceFailure.IsOne(e, options))
        {
            _executable = CompileForHost(e);
        }

        if (_isOnHost || !DeviceFailure.IsPossible(options)) return;
        foreach (string problem in Device.Of(options).Problems) note?.Invoke(problem);
    }

    /// <summary>The graph after all passes.</summary>
    public Graph Graph => _executable.Graph;

    /// <summary>Names of the kernels in the order they run.</summary>
    public IReadOnlyList<string> Kernels => _executable.Kernels;

    /// <summary>Runs once for each of some batches and hands out the first result of each, in order.</summary>
    /// <param name="batches">How many there are.</param>
    /// <param name="fill">Writes a batch; again where the device fails before its result is there.</param>
    /// <param name="receive">Takes the result of a batch.</param>
    public void RunAll(int batches, Executable.BatchFiller fill, Executable.BatchReceiver receive)
    {
        int done = 0;
        try
        {
            _executable.RunAll(0, batches, fill, Receive);
        }
        catch (ThomasException e) when (!_isOnHost && DeviceFailure.IsOne(e, _options))
        {
            _executable.Dispose();
            _executable = CompileForHost(e);
            _executable.RunAll(done, batches, fill, Receive);
        }

        void Receive(int batch, ReadOnlySpan<float> output)
        {
            done = batch + 1;
            receive(batch, output);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _executable.Dispose();

    private Executable CompileForHost(ThomasException e)
    {
        _isOnHost = true;
        Executable executable = Executable.Compile(_source, _batch, DeviceFailure.OnHost(_options));
        _note?.Invoke(DeviceFailure.Describe(e));
        return executable;
    }
}
