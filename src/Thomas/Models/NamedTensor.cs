using Thomas.Graphs;

namespace Thomas;

/// <summary>A tensor of a weight file.</summary>
/// <param name="Name">Its name, for example <c>features.0.0.weight</c>.</param>
/// <param name="StoredType">Element type in the file, for example <c>F16</c>.</param>
/// <param name="Data">The elements in the file's axis order, row-major. Floats of 16 bits stay so (see <see cref="TensorData.ToFloats"/>), those of 64 bits are
/// float32 here.</param>
public sealed record NamedTensor(string Name, string StoredType, TensorData Data)
{
    /// <summary>The sizes, in the file's axis order.</summary>
    public Shape Shape => Data.Type.Shape;
}
