using System;
using System.Collections.Generic;
using Thomas.Training;

namespace Thomas.App.Demo;

/// <summary>What one update policy made of the tuning letters.</summary>
/// <param name="Policy">Name of the policy.</param>
/// <param name="Model">The tuned model.</param>
/// <param name="TrainedParameters">Elements of all trained tensors.</param>
/// <param name="Before">The test letters before the first step.</param>
/// <param name="After">The test letters after the last.</param>
/// <param name="Own">The tuning letters after the last step.</param>
/// <param name="Duration">Wall-clock time of the training.</param>
/// <param name="StepBytes">Peak memory of a step by its plan.</param>
/// <param name="Notes">Of the training.</param>
internal sealed record DemoTuning(
    string Policy,
    Model Model,
    long TrainedParameters,
    ConfusionMatrix Before,
    ConfusionMatrix After,
    ConfusionMatrix Own,
    TimeSpan Duration,
    long StepBytes,
    IReadOnlyList<string> Notes);
