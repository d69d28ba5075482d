namespace Thomas.Formats.PyTorch;

/// <summary>
/// A class or function that a pickle may name. The table is all there is: any other name stands for code of the file's author, which loading would run.
/// </summary>
/// <param name="Kind">What calling it makes.</param>
/// <param name="Type">Element type, for storages.</param>
internal sealed record PickleGlobal(PickleGlobalKind Kind, StoredType Type = default)
{
    /// <summary>The meaning of a name; null where it has none here.</summary>
    public static PickleGlobal? Find(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => new PickleGlobal(PickleGlobalKind.OrderedDict),
        ("torch._utils", "_rebuild_tensor" or "_rebuild_tensor_v2") => new PickleGlobal(PickleGlobalKind.Tensor),
        ("torch._utils", "_rebuild_parameter") => new PickleGlobal(PickleGlobalKind.Parameter),
        ("torch" or "torch.cuda", _) when StorageType(name) is StoredType type => new PickleGlobal(PickleGlobalKind.Storage, type),
        _ => null,
    };

    private static StoredType? StorageType(string name) => name switch
    {
        "DoubleStorage" => StoredType.F64,
        "FloatStorage" => StoredType.F32,
        "HalfStorage" => StoredType.F16,
        "BFloat16Storage" => StoredType.BF16,
        "LongStorage" => StoredType.I64,
        "IntStorage" => StoredType.I32,
        "ShortStorage" => StoredType.I16,
        "CharStorage" => StoredType.I8,
        "ByteStorage" => StoredType.U8,
        "BoolStorage" => StoredType.Bool,
        _ => null,
    };
}

/// <summary>What the classes and functions of <see cref="PickleGlobal"/> make.</summary>
internal enum PickleGlobalKind
{
    OrderedDict,
    Tensor,
    Parameter,
    Storage,
}
