namespace Thomas.Formats.PyTorch;

/// <summary>A run of elements in the file that tensors look into.</summary>
/// <param name="Key">Names the place of the elements: an entry of the archive, or one of the numbers in the legacy format.</param>
/// <param name="Type">Element type.</param>
/// <param name="Count">Elements that are stored under the key.</param>
/// <param name="ViewOffset">The first element that belongs to this storage; above 0 only for parts of storages in the legacy format.</param>
/// <param name="ViewCount">Elements that belong to this storage.</param>
internal sealed record TorchStorage(string Key, StoredType Type, long Count, long ViewOffset, long ViewCount);
