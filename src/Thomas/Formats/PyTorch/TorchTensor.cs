namespace Thomas.Formats.PyTorch;

/// <summary>A tensor as a pickle describes it; unchecked.</summary>
/// <param name="Storage">Where its elements are.</param>
/// <param name="Offset">The element at index zero.</param>
/// <param name="Sizes">Size of each axis.</param>
/// <param name="Strides">Distance in elements between neighbors along each axis.</param>
internal sealed record TorchTensor(TorchStorage Storage, long Offset, long[] Sizes, long[] Strides);
