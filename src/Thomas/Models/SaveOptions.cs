using System;

namespace Thomas;

/// <summary>How a model file is written.</summary>
public sealed record SaveOptions
{
    /// <summary>For <see cref="BatchSize"/>: any number of images at a time.</summary>
    public const int OpenBatch = 0;

    /// <summary>
    /// How many images the file takes at a time, or <see cref="OpenBatch"/>. Null is what every runtime takes: 1 in <c>.tflite</c>, whose runtimes plan their
    /// memory for fixed sizes, and open in <c>.onnx</c>, unless the network works for one image only.
    /// </summary>
    public int? BatchSize { get; init; }

    /// <summary>
    /// Whether an 8-bit network is written to <c>.tflite</c> in 8-bit integers, a quarter of the bytes and for integer kernels, or in float32 numbers that are
    /// rounded to the same grids. Null is integers for what <c>Quantizer</c> made, and float32 for networks that were read from 8-bit files. Layers that have
    /// left their grids, as training does, are float32 in any case. In <c>.onnx</c> weights that lie on grids are always integers.
    /// </summary>
    public bool? Integers { get; init; }

    /// <summary>What a <c>.tflite</c> file of integers takes and gives.</summary>
    public IntegerEnds Ends { get; init; }

    /// <exception cref="ArgumentOutOfRangeException">The batch size is negative.</exception>
    internal void Check() => ArgumentOutOfRangeException.ThrowIfNegative(BatchSize ?? 0, nameof(BatchSize));
}
