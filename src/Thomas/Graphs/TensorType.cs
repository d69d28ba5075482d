namespace Thomas.Graphs;

/// <summary>What a value is before it is computed: element type and shape.</summary>
/// <param name="DType">Element type.</param>
/// <param name="Shape">Sizes, outermost first.</param>
public readonly record struct TensorType(DType DType, Shape Shape)
{
    /// <summary>Bytes of the whole tensor, unpadded.</summary>
    public long SizeBytes => (long)Shape.ElementCount * DType.SizeBytes();

    /// <summary>For example <c>F32[1,224,224,3]</c>.</summary>
    public override string ToString() => $"{DType}{Shape}";
}
