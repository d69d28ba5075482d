using System;
using Thomas.Runtime;

namespace Thomas.Quantizing;

/// <summary>How the interval is chosen that an activation's 256 numbers cover.</summary>
public enum CalibrationRange
{
    /// <summary>All numbers that calibration images gave: nothing is clipped, and one outlier makes every step coarser.</summary>
    MinMax,

    /// <summary>All but the outermost, see <see cref="QuantizerOptions.Percentile"/>.</summary>
    Percentile,

    /// <summary>The interval with the least sum of squared errors, of rounding inside and of clipping outside.</summary>
    LeastError,

    /// <summary>
    /// The interval with the least squared error of the network's outputs, one value after the other: from <see cref="LeastError"/> narrower or wider while
    /// that helps. It takes longest: about 150 times 16 images for a network of 60 layers.
    /// </summary>
    Output,
}

/// <summary>How a network is quantized.</summary>
public sealed record QuantizerOptions
{
    /// <summary>How the ranges of activations are chosen.</summary>
    public CalibrationRange Range { get; init; } = CalibrationRange.Output;

    /// <summary>
    /// With <see cref="CalibrationRange.Percentile"/>: this many percent of the numbers lie below the upper end, and as many above the lower one.
    /// </summary>
    public double Percentile { get; init; } = 99.99;

    /// <summary>
    /// Whether the channels between two layers are scaled so that each uses as much of their common grid as it can, and the weights behind them the other way
    /// round (Nagel et al. 2019, arXiv:1906.04721). The float network stays the same.
    /// </summary>
    public bool Equalize { get; init; } = true;

    /// <summary>
    /// Whether weights are rounded by what their layer computes of the calibration images, each making up for the errors of those before it (Frantar et al.
    /// 2022, arXiv:2210.17323); else each to its nearest number.
    /// </summary>
    public bool FitWeights { get; init; } = true;

    /// <summary>Whether biases make up for the mean error that rounded weights cause on the calibration images.</summary>
    public bool CorrectBiases { get; init; } = true;

    /// <summary>
    /// Bound of what measuring adds to the process: fewer values are then looked at in one pass over the images, <see cref="FitWeights"/> is left out, and
    /// <see cref="CalibrationRange.LeastError"/> takes the place of <see cref="CalibrationRange.Output"/>. Null for none.
    /// <see cref="Quantizer.Quantize"/> keeps to no bound.
    /// </summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Overrides what the model says of its images.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>Device and threads of the calibration.</summary>
    public CompileOptions Compile { get; init; } = new();

    /// <summary>What takes seconds: enough where layers behind learn from what comes out.</summary>
    internal static QuantizerOptions Quick => new() { Range = CalibrationRange.LeastError, FitWeights = false };

    /// <summary>These options without what takes memory that nobody plans.</summary>
    internal QuantizerOptions Bounded() => MemoryBytes is null
        ? this
        : this with { FitWeights = false, Range = Range == CalibrationRange.Output ? CalibrationRange.LeastError : Range };

    internal void Check()
    {
        if (!Enum.IsDefined(Range)) throw new ArgumentOutOfRangeException(nameof(Range), Range, "There is no such range.");
        if (!(Percentile is > 50 and <= 100)) throw new ArgumentOutOfRangeException(nameof(Percentile), Percentile, "It must be above 50 and at most 100.");
        ArgumentNullException.ThrowIfNull(Compile);
    }
}
