using System;
using System.Collections.Generic;
using System.Runtime.ExceptionServices;
using System.Threading;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// A training step that two devices share: the first rows of each run are for the one, which has a thread of the host to feed it, and at the same time the
/// host's other threads do the rest.
/// Each sums the gradients of its rows; those of the host are added to the device's, which updates the weights, and the host fetches the weights when the next
/// step begins. The loss of a step is a weighted sum over its rows, so sums and gradients are the same as of one device, but for rounding.
/// </summary>
/// <remarks>
/// The variables of the device are those that are kept, restored and evaluated. Since the weights are fetched at the beginning of each step, whatever has
/// changed them meanwhile reaches the host as well.
/// </remarks>
internal sealed class HybridStep : ITrainingStep
{
    private readonly StepProgram _device, _host;
    private readonly VariableStore _hostStore;
    private readonly Executable _meet;
    private readonly VariableBlock _weights, _gradients;
    private readonly Batch _batch;
    private readonly float[] _probabilities;
    private readonly int _rows, _deviceRows;
    private readonly SemaphoreSlim _go = new(0), _told = new(0), _done = new(0);
    private readonly Thread _feeder;
    private float _deviceLoss;
    private ExceptionDispatchInfo? _failure;
    private volatile bool _ends;

    // The device's part of the next batch went ahead; a run was begun whose end nobody has waited for; the feeder was told what comes after its beginning.
    private bool _isAhead, _isUnderWay, _isTold;

    /// <summary>Compiles both parts and gives them memory.</summary>
    /// <param name="trainee">The network, without live batch normalization.</param>
    /// <param name="graph">The graphs of the device's part.</param>
    /// <param name="options">What they were built for: the batch is the device's part, and gradients of another device are met.</param>
    /// <param name="store">The variables of those graphs, on the device.</param>
    /// <param name="compile">The device, and how the CPU's part is compiled.</param>
    /// <param name="rows">Rows of a run, of which the device has the first.</param>
    /// <param name="team">Threads for what the device has no kernels for; null for a team of its own. The CPU's part has another one.</param>
    public HybridStep(
        Trainee trainee, TrainingGraph graph, TrainingGraphOptions options, VariableStore store, CompileOptions compile, int rows, ThreadTeam? team = null)
    {
        if (!options.Meets || options.Batch < 1 || options.Batch >= rows) throw new ArgumentException("Both devices need rows.", nameof(options));
        if (trainee.Statistics.Count > 0) throw new ArgumentException("Live batch normalization cannot be split.", nameof(trainee));
        (_rows, _deviceRows) = (rows, options.Batch);
        CompileOptions host = compile with { Device = DeviceKind.Cpu, DeviceNumber = null, OtherDevice = null };
        TrainingGraphOptions hostOptions = options with { Batch = rows - options.Batch, Accumulate = true, Meets = false };
        TrainingGraph hostGraph = TrainingGraph.Build(trainee, hostOptions);
        Variable[] parameters = new Variable[trainee.Parameters.Count];
        for (int i = 0; i < parameters.Length; i++) parameters[i] = trainee.Parameters[i].Variable;
        List<IDisposable> owned = [];
        try
        {
            owned.Add(_hostStore = new VariableStore([.. parameters, .. hostGraph.Sums]));
            owned.Add(_device = new StepProgram(graph, options, store, compile, team) { Masks = (0, 2) });
            owned.Add(_host = StepProgram.WithoutUpdate(hostGraph, hostOptions, _hostStore, host, null, masks: (1, 2)));
            owned.Add(_meet = Executable.CompileAsIs(graph.Meet!, compile, store, team));
            _weights = new VariableBlock(store, parameters, _hostStore, parameters);
            _gradients = new VariableBlock(store, graph.Incoming, _hostStore, InOrderOf(graph.Sums, hostGraph.Sums));
            int classes = trainee.Classes;
            _batch = new Batch(rows, _host.Step.Graph.Inputs[0].Shape.ElementCount / (rows - _deviceRows), classes);
            _probabilities = new float[rows * classes];
        }
        catch
        {
            for (int i = owned.Count - 1; i >= 0; i--) owned[i].Dispose();
            throw;
        }

        _feeder = new Thread(Feed) { Name = "Thomas hybrid", IsBackground = true };
        _feeder.Start();
    }

    /// <inheritdoc/>
    public ReadOnlySpan<float> Probabilities
    {
        get
        {
            ReadOnlySpan<float> first = _device.Probabilities;
            first.CopyTo(_probabilities);
            _host.Probabilities.CopyTo(_probabilities.AsSpan(first.Length));
            return _probabilities;
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Kernels => [.. _device.Kernels, .. _host.Kernels, .. _meet.Kernels];

    /// <inheritdoc/>
    public long SizeBytes => _device.SizeBytes + _host.SizeBytes + _meet.SizeBytes + _hostStore.UsedBytes + _weights.BufferBytes + _gradients.BufferBytes;

    /// <inheritdoc/>
    public long DeviceBytes => _device.DeviceBytes + _meet.DeviceBytes;

    /// <inheritdoc/>
    public void Begin(long number, float rate, float gradientScale = 1)
    {
        Settle();
        _weights.Fetch();
        _device.Begin(number, rate, gradientScale);
        _host.Begin(number, rate, gradientScale);
    }

    /// <inheritdoc/>
    public BatchSpans Stage(Span<int> labels)
    {
        _isAhead = false;
        BatchSpans all = _batch.Spans;
        return new BatchSpans(all.Inputs, all.Targets, all.Weights, labels);
    }

    /// <inheritdoc/>
    public void Send()
    {
        if (!_isAhead) StageDevice();
        _isAhead = false;
        _device.Send();
        BatchSpans all = _batch.Spans;
        _host.Step.Write(0, HostPart(all.Inputs));
        _host.Step.Write(1, HostPart(all.Targets));
        _host.Step.Write(2, HostPart(all.Weights));
    }

    /// <inheritdoc/>
    public bool GoesAhead => _device.GoesAhead;

    /// <summary>As of any step. The feeder does it, which alone uses the device's part while a run is under way.</summary>
    public void SendAhead()
    {
        if (!_isUnderWay || _isTold || !GoesAhead) return;
        _isAhead = true;
        Tell();
    }

    /// <inheritdoc/>
    public void Start()
    {
        Settle();
        (_failure, _isUnderWay, _isTold) = (null, true, false);
        _go.Release();
    }

    /// <inheritdoc/>
    public float Run()
    {
        Start();
        return Finish();
    }

    /// <inheritdoc/>
    public float Finish()
    {
        float loss;
        if (!_isTold) Tell();
        try
        {
            loss = _host.Run();
        }
        finally
        {
            Settle();
        }

        _failure?.Throw();
        return _deviceLoss + loss;
    }

    /// <inheritdoc/>
    public NonFinite? RunChecked() => _device.RunChecked() ?? _host.RunChecked();

    /// <inheritdoc/>
    public void End()
    {
        Meet();
        _meet.Run();
        _device.End();
    }

    /// <inheritdoc/>
    public NonFinite? EndChecked()
    {
        Meet();
        return _meet.RunChecked() ?? _device.EndChecked();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Settle();
        _ends = true;
        _go.Release();
        _feeder.Join();
        _go.Dispose();
        _told.Dispose();
        _done.Dispose();
        _meet.Dispose();
        _host.Dispose();
        _device.Dispose();
        _hostStore.Dispose();
    }

    /// <summary>The host's sums in the order of the device's.</summary>
    private static Variable[] InOrderOf(IReadOnlyList<Variable> device, IReadOnlyList<Variable> host)
    {
        Dictionary<string, Variable> byName = new(StringComparer.Ordinal);
        foreach (Variable sum in host) byName.Add(sum.Name, sum);
        Variable[] ordered = new Variable[device.Count];
        for (int i = 0; i < ordered.Length; i++) ordered[i] = byName[device[i].Name];
        return ordered;
    }

    /// <summary>
    /// Runs the device's part as often as it is told. Launching hundreds of kernels takes as long as many a device needs for them, so it must not hold up the
    /// host's part.
    /// </summary>
    private void Feed()
    {
        while (true)
        {
            _go.Wait();
            if (_ends) return;
            try
            {
                try
                {
                    _device.Start();
                }
                finally
                {
                    _told.Wait();
                }

                if (_isAhead)
                {
                    StageDevice();
                    _device.SendAhead();
                }

                _deviceLoss = _device.Finish();
            }
#pragma warning disable CA1031 // whatever it is, it must reach the thread that trains
            catch (Exception error)
#pragma warning restore CA1031
            {
                _failure = ExceptionDispatchInfo.Capture(error);
            }

            _done.Release();
        }
    }

    /// <summary>Lets the feeder go on: with the next batch if that goes ahead, else to the end of the run.</summary>
    private void Tell()
    {
        _isTold = true;
        _told.Release();
    }

    /// <summary>Waits for the end of a run that was begun, also where the thread that trains was kept from ending it.</summary>
    private void Settle()
    {
        if (!_isUnderWay) return;
        if (!_isTold) Tell();
        _done.Wait();
        _isUnderWay = false;
    }

    private void Meet()
    {
        _gradients.Send();
        _meet.Write(0, [1]);
    }

    /// <summary>Puts the device's rows of the batch where it takes them from.</summary>
    private void StageDevice()
    {
        BatchSpans all = _batch.Spans, part = _device.Stage([]);
        all.Inputs[..part.Inputs.Length].CopyTo(part.Inputs);
        all.Targets[..part.Targets.Length].CopyTo(part.Targets);
        all.Weights[..part.Weights.Length].CopyTo(part.Weights);
    }

    private ReadOnlySpan<float> HostPart(Span<float> rows) => rows[(rows.Length / _rows * _deviceRows)..];
}
