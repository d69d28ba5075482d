namespace Thomas.Kernels.Quantized;

/// <summary>How runtimes bring float32 to 8 bits. They differ where a quotient is close to a half.</summary>
internal enum QuantizationRule
{
    /// <summary>x / scale, halves to even: the ONNX standard.</summary>
    Division,

    /// <summary>x times the rounded reciprocal of the scale, halves to even: XNNPACK, and so TensorFlow Lite as applications run it.</summary>
    Reciprocal,

    /// <summary>x / scale, halves away from zero: TensorFlow Lite's built-in kernel.</summary>
    AwayFromZero,
}
