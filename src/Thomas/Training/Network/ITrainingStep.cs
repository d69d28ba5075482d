using System;
using System.Collections.Generic;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// A training step in memory. For each step: <see cref="Begin"/>; then for each micro-batch fill what <see cref="Stage"/> gives, <see cref="Send"/>,
/// <see cref="Start"/> and <see cref="Finish"/>; then <see cref="End"/>. Where <see cref="GoesAhead"/>, the next micro-batch may be put into
/// <see cref="Stage"/>, and <see cref="SendAhead"/> called, between <see cref="Start"/> and <see cref="Finish"/>; it needs <see cref="Send"/> all the same.
/// </summary>
internal interface ITrainingStep : IDisposable
{
    /// <summary>Class probabilities that the last run computed, [n,c].</summary>
    ReadOnlySpan<float> Probabilities { get; }

    /// <summary>Names of the kernels in the order they run.</summary>
    IReadOnlyList<string> Kernels { get; }

    /// <summary>Bytes beside the variables.</summary>
    long SizeBytes { get; }

    /// <summary>Those of them in the memory of a device that is not the host.</summary>
    long DeviceBytes { get; }

    /// <summary>Whether inputs of the next run can be staged and sent while a run is under way; known once inputs were staged.</summary>
    bool GoesAhead { get; }

    /// <summary>Starts a step.</summary>
    /// <param name="number">Number of the step, from 1, for Adam's bias correction.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientScale">Factor on all gradients.</param>
    void Begin(long number, float rate, float gradientScale = 1);

    /// <summary>Where the inputs of the next run are put, after which <see cref="Send"/> brings them to where they are needed.</summary>
    /// <param name="labels">Receives the classes of the rows, which stay with the caller.</param>
    BatchSpans Stage(Span<int> labels);

    /// <summary>Brings what was put into <see cref="Stage"/> to where it is needed.</summary>
    void Send();

    /// <summary>Begins to bring what was put into <see cref="Stage"/> to the device, beside what it computes.</summary>
    void SendAhead();

    /// <summary>Begins to run one micro-batch; where there is a device with a queue, the host does not wait for it.</summary>
    void Start();

    /// <summary>Waits for the run that was started and returns its part of the loss, at the weights before the step.</summary>
    float Finish();

    /// <summary><see cref="Start"/> and <see cref="Finish"/>.</summary>
    float Run();

    /// <summary>As <see cref="Run"/>, but ends at the first number that is not finite.</summary>
    /// <returns>Where that was; null if all were finite.</returns>
    NonFinite? RunChecked();

    /// <summary>Applies summed gradients, where the runs have not updated the weights themselves.</summary>
    void End();

    /// <summary>As <see cref="End"/>, but ends at the first number that is not finite.</summary>
    /// <returns>Where that was; null if all were finite.</returns>
    NonFinite? EndChecked();
}
