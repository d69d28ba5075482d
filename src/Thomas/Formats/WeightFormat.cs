namespace Thomas;

/// <summary>Formats of weight files.</summary>
public enum WeightFormat
{
    /// <summary>A JSON header and the tensors behind it (<c>.safetensors</c>).</summary>
    Safetensors,

    /// <summary>What <c>torch.save</c> writes (<c>.pt</c>, <c>.pth</c>, <c>.th</c>): a zip archive, or several pickles in the legacy format.</summary>
    PyTorch,
}
