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

    /// <exception cref="ArgumentOutOfRangeException">The batch size is negative.</exception>
    internal void Check() => ArgumentOutOfRangeException.ThrowIfNegative(BatchSize ?? 0, nameof(BatchSize));
}
