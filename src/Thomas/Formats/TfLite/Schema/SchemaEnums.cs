namespace Thomas.Formats.TfLite.Schema;

/// <summary>Element types of the TFLite schema.</summary>
internal enum TfLiteType : byte
{
    FLOAT32, FLOAT16, INT32, UINT8, INT64, STRING, BOOL, INT16, COMPLEX64, INT8, FLOAT64, COMPLEX128, UINT64, RESOURCE, VARIANT, UINT32, UINT16, INT4, BFLOAT16,
}

/// <summary>Padding schemes of the TFLite schema.</summary>
internal enum TfLitePadding : byte
{
    SAME, VALID,
}

/// <summary>Fused activations of the TFLite schema.</summary>
internal enum FusedActivation : byte
{
    NONE, RELU, RELU_N1_TO_1, RELU6, TANH, SIGN_BIT,
}
