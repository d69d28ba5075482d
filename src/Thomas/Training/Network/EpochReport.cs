using System;

namespace Thomas.Training;

/// <summary>What an epoch of training did.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="LearningRate">Rate of the epoch's last step.</param>
/// <param name="TrainLoss">Mean training loss, smoothed and weighted, each batch measured just before its step.</param>
/// <param name="TrainAccuracy">Share of the training samples classified rightly, measured likewise.</param>
/// <param name="ValidationLoss">Plain mean cross-entropy on the validation samples, in nats; null without any.</param>
/// <param name="ValidationAccuracy">Share of the validation samples classified rightly; null without any.</param>
/// <param name="ValidationMacroRecall">Mean recall over the classes of the validation samples; null without any.</param>
/// <param name="IsBest">Whether these weights are the best so far, and therefore kept.</param>
/// <param name="Restarts">How often training went back to a good state with a lower learning rate because a number was not finite.</param>
/// <param name="Duration">Wall-clock time, validation included, pauses of a guard not.</param>
public sealed record EpochReport(
    int Epoch,
    float LearningRate,
    double TrainLoss,
    double TrainAccuracy,
    double? ValidationLoss,
    double? ValidationAccuracy,
    double? ValidationMacroRecall,
    bool IsBest,
    int Restarts,
    TimeSpan Duration);
