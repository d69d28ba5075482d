namespace Thomas;

/// <summary>A model file format.</summary>
public enum ModelFormat
{
    /// <summary>Open Neural Network Exchange, <c>.onnx</c>.</summary>
    Onnx,

    /// <summary>TensorFlow Lite / LiteRT, <c>.tflite</c>.</summary>
    TfLite,
}

/// <summary>Order of a picture's axes in a model file. Inside Thomas pictures are always <see cref="Nhwc"/>.</summary>
public enum PictureLayout
{
    /// <summary>Batch, height, width, channel.</summary>
    Nhwc,

    /// <summary>Batch, channel, height, width.</summary>
    Nchw,
}
