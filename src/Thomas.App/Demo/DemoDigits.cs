using System;
using Thomas.Data.Handwriting;
using Thomas.Training;

namespace Thomas.App.Demo;

/// <summary>The first part: a network that has learned digits from random weights.</summary>
/// <param name="Drawn">The digits it learned from.</param>
/// <param name="Training">How it learned.</param>
/// <param name="Test">What it makes of digits it has not seen.</param>
/// <param name="Duration">Wall-clock time of the training.</param>
internal sealed record DemoDigits(HandwrittenSet Drawn, TrainerResult Training, ConfusionMatrix Test, TimeSpan Duration)
{
    public Model Model => Training.Model;
}
