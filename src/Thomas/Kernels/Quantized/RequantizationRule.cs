namespace Thomas.Kernels.Quantized;

/// <summary>How runtimes bring a 32-bit sum to the steps of an 8-bit result. They differ in the last step of a few numbers in a thousand.</summary>
internal enum RequantizationRule
{
    /// <summary>
    /// One product in float32, halves to even: XNNPACK, and so TensorFlow Lite as applications run it; ONNX Runtime.
    /// </summary>
    Float,

    /// <summary>
    /// A 32-bit fixed-point product and a shift, each rounded, halves away from zero: TensorFlow Lite's built-in kernels (gemmlowp; Jacob et al. 2018,
    /// arXiv 1712.05877, section 2.2).
    /// </summary>
    FixedPoint,
}
