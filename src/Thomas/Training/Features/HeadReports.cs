using System;
using System.Collections.Generic;

namespace Thomas.Training;

/// <summary>What an epoch of head training did.</summary>
/// <param name="Epoch">Number of the epoch, from 1.</param>
/// <param name="LearningRate">Rate of the epoch's last step.</param>
/// <param name="TrainLoss">Mean training loss, smoothed and weighted, each batch measured just before its step.</param>
/// <param name="TrainAccuracy">Share of the training samples classified rightly, measured likewise.</param>
/// <param name="ValidationLoss">Plain mean cross-entropy on the validation samples, in nats; null without any.</param>
/// <param name="ValidationAccuracy">Share of the validation samples classified rightly; null without any.</param>
/// <param name="ValidationMacroRecall">Mean recall over the classes of the validation samples; null without any.</param>
/// <param name="IsBest">Whether these weights are the best so far, and therefore kept.</param>
/// <param name="Restarts">How often training went back to the best weights with a tenth of the learning rate because the loss was not finite.</param>
/// <param name="Duration">Wall-clock time, validation included.</param>
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

/// <summary>A trained head and how it came about.</summary>
/// <param name="Head">The weights of <paramref name="BestEpoch"/>.</param>
/// <param name="Epochs">Every epoch that was finished.</param>
/// <param name="BestEpoch">The epoch whose weights were kept; 0 if training was canceled before one was finished: then they are as the last step left them.</param>
/// <param name="LearningRate">Peak learning rate in the end, after restarts.</param>
/// <param name="Restarts">How often training went back to the best weights because the loss was not finite.</param>
/// <param name="StoppedEarly">Whether it ended because no epoch was better for long enough.</param>
/// <param name="Cancelled">Whether it was canceled.</param>
internal sealed record HeadResult(
    LinearHead Head, IReadOnlyList<EpochReport> Epochs, int BestEpoch, float LearningRate, int Restarts, bool StoppedEarly, bool Cancelled);
