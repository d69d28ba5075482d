using System;
using Thomas.Training;

namespace Thomas.App;

/// <summary>Shows how far a long job is.</summary>
internal interface IProgressDisplay : IProgress<StageProgress>
{
    /// <summary>An epoch of training has ended.</summary>
    void Epoch(EpochReport epoch, int total);
}
