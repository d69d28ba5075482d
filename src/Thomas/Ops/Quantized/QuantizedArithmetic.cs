namespace Thomas.Ops;

/// <summary>Whose integer arithmetic an 8-bit file means. Runtimes differ in the last step of a few results.</summary>
internal enum QuantizedArithmetic
{
    /// <summary>That of TensorFlow Lite: <c>.tflite</c>.</summary>
    TfLite,

    /// <summary>That of ONNX Runtime: <c>.onnx</c>.</summary>
    Onnx,
}
