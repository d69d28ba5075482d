using System;
using System.Collections.Generic;
using System.Globalization;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Holds the last good state of training: all numbers finite, and a loss that is not on its way to infinity. Where a number is no longer finite, training goes
/// back to that state and on from there with <see cref="RateFactor"/> times the learning rate, <see cref="MaxRestarts"/> times at most. Costs the bytes of all
/// variables but sums of gradients once more.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    /// <summary>How often training may go back.</summary>
    public const int MaxRestarts = 3;

    /// <summary>What the learning rate is multiplied by then.</summary>
    public const float RateFactor = 0.3f;

    // Guessing costs ln(classes) nats; a network that is this far beyond overflows soon, and would again from a state shortly before.
    private const double LossesOfGuessing = 10;

    private readonly bool _isShared;
    private readonly double _maxLoss;
    private VariableStore _store;

    /// <param name="store">Memory of the variables.</param>
    /// <param name="classes">Classes that are told apart.</param>
    /// <param name="onDisk">Whether the state lies in a temporary file.</param>
    /// <param name="best">The best weights, where these are the state to go back to, and the optimizer then starts anew; null for a state of its own.</param>
    public Watchdog(VariableStore store, int classes, bool onDisk = false, StoreCopy? best = null)
    {
        _store = store;
        _maxLoss = LossesOfGuessing * (1 + Math.Log(classes));
        if (best is not null)
        {
            (State, _isShared) = (best, true);
            return;
        }

        List<Variable> lasting = [];
        foreach (Variable variable in store.Variables)
        {
            // Sums of gradients are overwritten in each step.
            if (variable.Kind != VariableKind.Gradient) lasting.Add(variable);
        }

        State = new StoreCopy(store, lasting, onDisk);
    }

    /// <summary>Whether training goes back to the best weights, which others keep.</summary>
    public bool IsShared => _isShared;

    /// <summary>The last good state.</summary>
    public StoreCopy State { get; }

    /// <summary>Where training stood then.</summary>
    public TrainingPosition Position { get; private set; }

    /// <summary>Where <see cref="OptimizerSteps"/> were made: at the start, where the run was resumed, or where the moments were forgotten.</summary>
    public TrainingPosition OptimizerStart { get; private set; } = TrainingPosition.Start(1);

    /// <summary>Steps that the optimizer's moments had seen at <see cref="OptimizerStart"/>. Adam's bias correction counts on from there.</summary>
    public long OptimizerSteps { get; private set; }

    /// <summary>How often training went back.</summary>
    public int Restarts { get; private set; }

    /// <summary>Whether a state is worth keeping: training is not diverging yet.</summary>
    /// <param name="loss">The last step's loss.</param>
    public bool IsGood(float loss) => loss <= _maxLoss;

    /// <summary>Makes the present state the one to go back to.</summary>
    /// <param name="position">Where training stands.</param>
    /// <param name="isTaken">Whether the state holds it already.</param>
    public void Keep(TrainingPosition position, bool isTaken = false)
    {
        if (!isTaken) State.Take();
        Position = position;
    }

    /// <summary>Puts a stored state into the store; <see cref="State"/> holds it already.</summary>
    /// <param name="position">Where training stood then.</param>
    /// <param name="restarts">How often it had gone back.</param>
    /// <param name="steps">Steps that the optimizer had made.</param>
    public void Resume(TrainingPosition position, int restarts, long steps)
    {
        State.Restore();
        (Position, Restarts) = (position, restarts);
        (OptimizerStart, OptimizerSteps) = (position, steps);
    }

    /// <summary>Watches another store from now on, since the device of the present one has failed.</summary>
    public void Attach(VariableStore store)
    {
        _store = store;
        if (!_isShared) State.Attach(store);
    }

    /// <summary>Puts the last good state into the store. Where it has no moments, the optimizer starts anew.</summary>
    /// <returns>Where training stood then.</returns>
    public TrainingPosition Resume()
    {
        State.Restore();
        if (_isShared) ForgetMoments();
        return Position;
    }

    /// <summary>The first variable of the store that has a number which is not finite; null if all are.</summary>
    public Variable? FindNonFinite()
    {
        foreach (Variable variable in State.Variables)
        {
            if (_store.FindNonFinite(variable) is not null) return variable;
        }

        return null;
    }

    /// <summary>Goes back.</summary>
    /// <param name="finding">What was not finite, for the message.</param>
    /// <param name="peak">Peak learning rate so far.</param>
    /// <returns>A note of what happened.</returns>
    /// <exception cref="ThomasException">It has happened too often.</exception>
    public string RollBack(string finding, float peak)
    {
        if (Restarts == MaxRestarts)
        {
            throw new ThomasException(string.Create(
                CultureInfo.InvariantCulture,
                $"Training diverges: {finding}, at a peak learning rate of {peak:g3} after {MaxRestarts} restarts. Set a lower learning rate or a bound "
                + $"on the gradients' norm, and check the images' preprocessing."));
        }

        Restarts++;
        Resume();
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{finding}; rolled back to epoch {Position.Epoch}, step {Position.Step}, and continued at a peak learning rate of {peak * RateFactor:g3} "
            + $"(restart {Restarts} of {MaxRestarts})");
    }

    /// <summary>Frees the memory.</summary>
    public void Dispose()
    {
        if (!_isShared) State.Dispose();
    }

    private void ForgetMoments()
    {
        foreach (Variable variable in _store.Variables)
        {
            if (variable.Kind == VariableKind.OptimizerState) _store.Fill(variable, static values => values.Clear());
        }

        (OptimizerStart, OptimizerSteps) = (Position, 0);
    }
}
