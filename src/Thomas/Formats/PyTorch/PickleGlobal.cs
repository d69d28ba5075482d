using System;

namespace Thomas.Formats.PyTorch;

/// <summary>
/// A class or function that a pickle may name. The table is all there is: any other name stands for code of the file's author, which loading would run.
/// </summary>
/// <param name="Kind">What calling it makes.</param>
/// <param name="Type">Element type, for storages.</param>
/// <param name="Name">Module and name, for objects.</param>
internal sealed record PickleGlobal(PickleGlobalKind Kind, StoredType Type = default, string Name = "")
{
    // What checkpoints of training scripts hold beside the weights. Names that end in a dot stand for all that begins so. None of this is run or imitated:
    // such an object is kept as what the pickle says about it, or passed over.
    private static readonly string[] Data =
    [
        "argparse.Namespace", "types.SimpleNamespace", "functools.partial", "collections.deque", "collections.Counter", "datetime.", "decimal.Decimal",
        "fractions.Fraction", "uuid.UUID", "pathlib.", "pathlib._local.", "typing.Any", "typing.Union", "typing.Dict", "typing.List", "typing.Optional",
        "_codecs.encode", "copyreg._reconstructor", "copy_reg._reconstructor",
        "numpy.dtype", "numpy.ndarray", "numpy.dtypes.", "numpy.core.multiarray.scalar", "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar", "numpy._core.multiarray._reconstruct", "numpy.bool_", "numpy.int64", "numpy.int32", "numpy.float64",
        "numpy.float32", "numpy.random._pickle.", "numpy.random.mtrand.RandomState",
        "torch.device", "torch.Size", "torch.dtype", "torch.Tensor", "torch.Generator", "torch._C.Generator", "torch.torch_version.TorchVersion",
        "torch.serialization._get_layout",
        "torch.nn.", "torch.ao.nn.", "torch.ao.quantization.", "torch.quantization.", "torch.optim.", "torchvision.", "timm.", "torchmetrics.", "omegaconf.",
        "easydict.EasyDict", "yacs.config.CfgNode", "pytorch_lightning.", "lightning.", "lightning_fabric.", "ml_collections.",
    ];

    private static readonly string[] BuiltIns =
        ["set", "frozenset", "slice", "complex", "bytearray", "bytes", "object", "int", "float", "str", "bool", "list", "dict", "tuple", "range"];

    private static readonly string[] ElementTypes =
    [
        "float", "float16", "float32", "float64", "bfloat16", "half", "double", "int8", "int16", "int32", "int64", "uint8", "bool", "long", "complex64",
        "complex128", "strided", "channels_last", "contiguous_format", "preserve_format",
    ];

    /// <summary>The meaning of a name; null where it has none here.</summary>
    public static PickleGlobal? Find(string module, string name) => (module, name) switch
    {
        ("collections", "OrderedDict") => new PickleGlobal(PickleGlobalKind.OrderedDict),
        ("collections", "defaultdict") => new PickleGlobal(PickleGlobalKind.DefaultDict),
        ("torch._utils", "_rebuild_tensor" or "_rebuild_tensor_v2") => new PickleGlobal(PickleGlobalKind.Tensor),
        ("torch._utils", "_rebuild_parameter" or "_rebuild_parameter_with_state") => new PickleGlobal(PickleGlobalKind.Parameter),
        ("torch._tensor", "_rebuild_from_type_v2") => new PickleGlobal(PickleGlobalKind.TensorOfClass),
        ("torch" or "torch.cuda", _) when StorageType(name) is StoredType type => new PickleGlobal(PickleGlobalKind.Storage, type),
        _ when IsData(module, name) => new PickleGlobal(PickleGlobalKind.Object, Name: $"{module}.{name}"),
        _ => null,
    };

    private static bool IsData(string module, string name)
    {
        // A dotted name would reach into a class: OrderedDict.fromkeys.
        if (name.Contains('.', StringComparison.Ordinal)) return false;
        if (module is "builtins" or "__builtin__") return Array.IndexOf(BuiltIns, name) >= 0;
        if (module == "torch" && Array.IndexOf(ElementTypes, name) >= 0) return true;
        string full = $"{module}.{name}";
        foreach (string known in Data)
        {
            if (known[^1] == '.' ? full.StartsWith(known, StringComparison.Ordinal) : full == known) return true;
        }

        return false;
    }

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
    DefaultDict,
    Tensor,
    Parameter,
    TensorOfClass,
    Storage,
    Object,
}
