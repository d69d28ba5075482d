namespace Thomas;

/// <summary>What a model file may leave open.</summary>
public sealed record ModelLoadOptions
{
    /// <summary>
    /// Height and width of the images. Files that leave them open need it; a network that works for images of any size is set to it; for others it is
    /// an error that says what does not fit.
    /// </summary>
    public int? ImageSize { get; init; }

    /// <summary>
    /// The folder of the files that an <c>.onnx</c> model keeps weights in beside its own; by default the folder of the model, for a stream none.
    /// </summary>
    public string? DataFolder { get; init; }
}
