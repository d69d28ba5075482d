namespace Thomas.Training;

/// <summary>A forward result that is dropped and computed again in the backward pass.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="MultiplyAdds">Multiply-adds of computing it again.</param>
/// <param name="Elementwise">Other operations of computing it again.</param>
public sealed record RecomputedValue(string Name, long Bytes, long MultiplyAdds, long Elementwise);
