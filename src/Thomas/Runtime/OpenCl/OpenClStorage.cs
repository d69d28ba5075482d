namespace Thomas.Runtime.OpenCl;

/// <summary>How values of the forward pass lie in a device's memory. What is computed with are always float32 numbers.</summary>
internal enum OpenClStorage
{
    /// <summary>As float32 numbers.</summary>
    Float,

    /// <summary>As 16-bit floats, those that <see cref="HalfStorage"/> chooses.</summary>
    Half,
}
