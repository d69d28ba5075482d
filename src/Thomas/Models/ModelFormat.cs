namespace Thomas;

/// <summary>A model file format.</summary>
public enum ModelFormat
{
    /// <summary>Open Neural Network Exchange, <c>.onnx</c>.</summary>
    Onnx,

    /// <summary>TensorFlow Lite / LiteRT, <c>.tflite</c>.</summary>
    TfLite,
}

/// <summary>Order of an image's axes in a model file. Inside Thomas images are always <see cref="Nhwc"/>.</summary>
public enum ImageLayout
{
    /// <summary>Batch, height, width, channel.</summary>
    Nhwc,

    /// <summary>Batch, channel, height, width.</summary>
    Nchw,
}
