namespace Thomas.Planning;

/// <summary>Bytes that one or more values share, and the steps from first write to last read, both inclusive.</summary>
/// <param name="Name">The value or kernel that it serves.</param>
/// <param name="Kind">What it holds.</param>
/// <param name="Size">Bytes, a multiple of the alignment.</param>
/// <param name="FirstStep">The step that writes it; -1 for graph inputs.</param>
/// <param name="LastStep">The last step that reads it; the step count for graph outputs.</param>
/// <param name="Place">The device whose memory it lies in, by its number.</param>
internal readonly record struct LiveRange(string Name, MemoryKind Kind, long Size, int FirstStep, int LastStep, int Place = 0)
{
    public bool Overlaps(LiveRange other) => FirstStep <= other.LastStep && other.FirstStep <= LastStep;
}
