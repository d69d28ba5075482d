using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>How a run goes on where its device fails: on the CPU, from the last state that the host holds.</summary>
internal sealed partial class TrainingRun
{
    private readonly List<string> _deviceNotes = [];

    /// <summary>What computes on the device that was asked for; on the CPU if that device has no memory or no kernels for it.</summary>
    private TrainingEngine CreateEngine(TrainingPlan? planned)
    {
        TrainingEngine engine;
        try
        {
            engine = new TrainingEngine(
                _inputs, _trainee, _graph, _graphOptions, planned, Kept(_options.Compile), _plan.MicroBatch, _team, _options.MemoryBytes is not null);
        }
        catch (ThomasException e) when (DeviceFailure.IsOne(e, _options.Compile))
        {
            WarnOfDevice($"training runs on the CPU: {e.Message}");
            return CreateHostEngine();
        }

        foreach (string problem in engine.Device.Problems) _notes.Add(problem);
        return engine;
    }

    /// <summary>Compiled so, a step keeps its activations as this run does.</summary>
    private CompileOptions Kept(CompileOptions compile) => compile with { KeptAs = _compression.KeptType() };

    private void WarnOfDevice(string note)
    {
        _deviceNotes.Add(note);
        Warn(note);
    }

    private TrainingEngine CreateHostEngine()
    {
        // Of a step that was split the CPU does all from now on. Its variables have the same names.
        if (_graphOptions.Meets)
        {
            _graphOptions = _graphOptions with { Batch = _plan.MicroBatch, Meets = false };
            _graph = TrainingGraph.Build(_trainee, _graphOptions);
        }

        CompileOptions host = DeviceFailure.OnHost(_options.Compile);
        return new TrainingEngine(
            _inputs, _trainee, _graph, _graphOptions, null, Kept(host) with { ArenaBytes = _arenaBytes ?? host.ArenaBytes }, _plan.MicroBatch, _team,
            _options.MemoryBytes is not null);
    }

    /// <summary>Whether an exception says that the device has failed which this run computes on.</summary>
    private bool IsDeviceFailure(Exception e) => DeviceFailure.IsOne(e, _options.Compile) && _engine.Device is not HostDevice;

    /// <summary>The initial state, on the CPU if the device fails meanwhile.</summary>
    private void BeginAnywhere()
    {
        try
        {
            Begin();
        }
        catch (ThomasException e) when (IsDeviceFailure(e))
        {
            MoveToHost();
            _epochs.Clear();
            Begin();
            WarnOfDevice($"the device failed before the first step, and training runs on the CPU: {e.Message}");
        }
    }

    /// <summary>Goes back to the last state that the host holds, and goes on from there on the CPU.</summary>
    private Outcome GoOnOnHost(ThomasException e)
    {
        (int epoch, int step) = (_at.Epoch, _at.Step);
        MoveToHost();
        _at = _watchdog.Resume();
        _epochs.RemoveAll(report => report.Epoch >= _at.Epoch);
        long again = (((long)epoch - _at.Epoch) * _plan.Steps) + step - _at.Step;
        string note = string.Create(
            CultureInfo.InvariantCulture,
            $"the device failed at epoch {epoch}, step {step + 1}: {e.Message} Training went on on the CPU from epoch {_at.Epoch}, step {_at.Step}, the last "
            + $"state that was kept; steps computed again: {again}");
        WarnOfDevice(note);
        return Outcome.RolledBack;
    }

    private void MoveToHost()
    {
        _engine.Dispose();
        _engine = CreateHostEngine();
        _watchdog.Attach(_engine.Store);
        _best.Attach(_engine.Store);
    }

    /// <summary>As <see cref="SaveCancelled"/>; if the device fails meanwhile, the last state that the host holds is saved.</summary>
    private void SaveCancelledAnywhere()
    {
        try
        {
            SaveCancelled();
        }
        catch (ThomasException e) when (IsDeviceFailure(e))
        {
            GoOnOnHost(e);
            SaveCancelled();
        }
    }

    /// <summary>Puts the weights of the result into the store.</summary>
    private void RestoreResult()
    {
        try
        {
            if (_bestEpoch != NoEpoch) _best.Restore();
            else if (_watchdog.FindNonFinite() is not null) _watchdog.State.Restore();
        }
        catch (ThomasException e) when (IsDeviceFailure(e))
        {
            RestoreOnHost(e);
        }
    }

    /// <summary>The model with the weights of the result.</summary>
    private Model TrainedModel()
    {
        try
        {
            return _trainee.ToModel(_engine.Store, _options.OutputLogits);
        }
        catch (ThomasException e) when (IsDeviceFailure(e))
        {
            RestoreOnHost(e);
            return _trainee.ToModel(_engine.Store, _options.OutputLogits);
        }
    }

    private void RestoreOnHost(ThomasException e)
    {
        MoveToHost();
        TrainingPosition kept = _watchdog.Resume();
        if (_bestEpoch != NoEpoch) _best.Restore();
        string what = _bestEpoch != NoEpoch
            ? "The best weights were in the host's memory"
            : string.Create(CultureInfo.InvariantCulture, $"The weights are those of epoch {kept.Epoch}, step {kept.Step}, the last that the host had kept");
        WarnOfDevice($"the device failed when training was done: {e.Message} {what}");
    }
}
