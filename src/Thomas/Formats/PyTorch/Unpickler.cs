using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Numerics;
using System.Text;
using PickleDict = System.Collections.Generic.OrderedDictionary<string, object?>;

namespace Thomas.Formats.PyTorch;

/// <summary>
/// Reads one pickle (Python's object format, protocols 2 to 5 as <c>torch.save</c> writes them) and runs nothing. It makes null, <see cref="bool"/>,
/// <see cref="long"/>, <see cref="BigInteger"/> beyond 64 bits, <see cref="double"/>, <see cref="string"/>, tuples (arrays), lists, dicts (without
/// the entries whose key is no string: no tensor is found by them), <see cref="TorchStorage"/>, <see cref="TorchTensor"/> and, for the classes of
/// <see cref="PickleGlobal"/> that hold data only, <see cref="PickleObject"/>; everything else is refused.
/// Values may contain each other in circles, and one may be in many places, so no caller may walk through them without a bound.
/// https://docs.python.org/3/library/pickletools.html lists the opcodes.
/// </summary>
/// <param name="bytes">What the pickle stands in; it may go on behind it.</param>
/// <param name="start">Where it begins.</param>
/// <param name="file">Name of the file, for messages.</param>
/// <param name="entry">Name of the part of the file, for messages.</param>
internal sealed class Unpickler(ReadOnlyMemory<byte> bytes, int start, string file, string entry)
{
    private const int MaxProtocol = 5;

    /// <summary>Axes that a tensor of PyTorch may have.</summary>
    private const int MaxAxes = 64;

    /// <summary>Keys of storages are numbers.</summary>
    private const int MaxStorageKey = 64;

    /// <summary>A name can be recalled and used as a key any number of times, and hashing it takes time each time.</summary>
    private const long MaxKeyChars = 4L * ModelLimits.WeightHeaderBytes;

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly Dictionary<long, object?> _memo = [];
    private readonly int _end = (int)Math.Min(bytes.Length, (long)start + ModelLimits.WeightHeaderBytes);
    private int _at = start;
    private int _opcodeAt = start;
    private int _values;
    private long _keyChars;

    /// <summary>The first byte that has not been read.</summary>
    public int Position => _at;

    /// <summary>Storages by their keys, as the pickle named them.</summary>
    public Dictionary<string, TorchStorage> Storages { get; } = new(StringComparer.Ordinal);

    /// <summary>Reads up to the pickle's end and returns the value it describes.</summary>
    /// <exception cref="ModelFormatException">The pickle is damaged or wants something that is not allowed.</exception>
    public object? Read()
    {
        while (true)
        {
            _opcodeAt = _at;
            byte opcode = Take(1)[0];
            if (opcode == (byte)'.') return Pop();
            if (!ReadNumber(opcode) && !ReadText(opcode) && !ReadMemo(opcode) && !ReadContainer(opcode) && !ReadObject(opcode))
            {
                throw Error(
                    $"opcode 0x{opcode:x2} is not one that torch.save writes for weights; save only the state_dict: torch.save(model.state_dict(), path)");
            }
        }
    }

    private bool ReadNumber(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                if (Take(1)[0] > MaxProtocol) throw Error($"pickle protocols above {MaxProtocol} are not supported");
                break;
            case 0x95: // FRAME
                Take(sizeof(ulong));
                break;
            case (byte)'N': // NONE
                Push(null);
                break;
            case 0x88 or 0x89: // NEWTRUE, NEWFALSE
                Push(opcode == 0x88);
                break;
            case (byte)'J': // BININT
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4)));
                break;
            case (byte)'K': // BININT1
                Push((long)Take(1)[0]);
                break;
            case (byte)'M': // BININT2
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2)));
                break;
            case 0x8a: // LONG1
                BigInteger integer = new(Take(Take(1)[0]));
                Push(integer >= long.MinValue && integer <= long.MaxValue ? (object)(long)integer : integer);
                break;
            case (byte)'G': // BINFLOAT
                Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8)));
                break;
            default:
                return false;
        }

        return true;
    }

    private bool ReadText(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'X': // BINUNICODE
                Push(Text(Encoding.UTF8, BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case 0x8c: // SHORT_BINUNICODE
                Push(Text(Encoding.UTF8, Take(1)[0]));
                break;
            case 0x8d: // BINUNICODE8
                Push(Text(Encoding.UTF8, BinaryPrimitives.ReadUInt64LittleEndian(Take(8))));
                break;
            case (byte)'T': // BINSTRING, text of Python 2
                Push(Text(Encoding.Latin1, BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            case (byte)'U': // SHORT_BINSTRING
                Push(Text(Encoding.Latin1, Take(1)[0]));
                break;
            case (byte)'B': // BINBYTES: never a name
                Take(BinaryPrimitives.ReadUInt32LittleEndian(Take(4)));
                Push(null);
                break;
            case (byte)'C': // SHORT_BINBYTES
                Take(Take(1)[0]);
                Push(null);
                break;
            case 0x8e or 0x96: // BINBYTES8, BYTEARRAY8
                Take(BinaryPrimitives.ReadUInt64LittleEndian(Take(8)));
                Push(null);
                break;
            default:
                return false;
        }

        return true;
    }

    private bool ReadMemo(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'q': // BINPUT
                _memo[Take(1)[0]] = Top();
                break;
            case (byte)'r': // LONG_BINPUT
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(4))] = Top();
                break;
            case 0x94: // MEMOIZE
                _memo[_memo.Count] = Top();
                break;
            case (byte)'h': // BINGET
                Push(Recall(Take(1)[0]));
                break;
            case (byte)'j': // LONG_BINGET
                Push(Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(4))));
                break;
            default:
                return false;
        }

        return true;
    }

    private bool ReadContainer(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'(': // MARK
                if (_marks.Count == ModelLimits.PickleValues) throw TooManyValues();
                _marks.Add(_stack.Count);
                break;
            case (byte)')': // EMPTY_TUPLE
                Push(Array.Empty<object?>());
                break;
            case 0x85 or 0x86 or 0x87: // TUPLE1, TUPLE2, TUPLE3
                Push(PopMany(opcode - 0x84));
                break;
            case (byte)'t': // TUPLE
                Push(PopToMark());
                break;
            case (byte)']': // EMPTY_LIST
                Push(new List<object?>());
                break;
            case (byte)'a': // APPEND
                object? item = Pop();
                if (Top() is not PickleObject) Top<List<object?>>("a list").Add(item);
                break;
            case (byte)'e': // APPENDS
                object?[] items = PopToMark();
                if (Top() is not PickleObject) Top<List<object?>>("a list").AddRange(items);
                break;
            case 0x8f: // EMPTY_SET
                Push(new PickleObject("set"));
                break;
            case 0x90: // ADDITEMS
                PopToMark();
                Top<PickleObject>("a set");
                break;
            case 0x91: // FROZENSET
                PopToMark();
                Push(new PickleObject("frozenset"));
                break;
            case (byte)'}': // EMPTY_DICT
                Push(new PickleDict());
                break;
            case (byte)'s': // SETITEM
                object?[] pair = PopMany(2);
                if (Top() is not PickleObject) Set(Top<PickleDict>("a dict"), pair[0], pair[1]);
                break;
            case (byte)'u': // SETITEMS
                object?[] pairs = PopToMark();
                if (pairs.Length % 2 != 0) throw Error("a key without a value");
                if (Top() is PickleObject) break;
                PickleDict dict = Top<PickleDict>("a dict");
                for (int i = 0; i < pairs.Length; i += 2) Set(dict, pairs[i], pairs[i + 1]);
                break;
            default:
                return false;
        }

        return true;
    }

    private bool ReadObject(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'c': // GLOBAL
                string module = Line();
                Push(Global(module, Line()));
                break;
            case 0x93: // STACK_GLOBAL
                object?[] names = PopMany(2);
                Push(Global(names[0] as string ?? throw Error("a class without a name"), names[1] as string ?? throw Error("a class without a name")));
                break;
            case (byte)'Q': // BINPERSID
                Push(PersistentObject(Pop() as object?[] ?? throw Error("an external reference that is not a tuple")));
                break;
            case (byte)'R': // REDUCE
                object?[] arguments = Pop() as object?[] ?? throw Error("a call without a tuple of arguments");
                Push(Call(Pop() as PickleGlobal ?? throw Error("a call of something that is not a function"), arguments));
                break;
            case 0x81: // NEWOBJ
                object?[] made = PopMany(2);
                Push(New(made[0], made[1]));
                break;
            case 0x92: // NEWOBJ_EX
                object?[] named = PopMany(3);
                Push(New(named[0], named[1]));
                break;
            case (byte)'b': // BUILD: the attributes of an OrderedDict (PyTorch keeps version numbers there) say nothing about weights
                object? state = Pop();
                if (Top() is PickleObject built) built.State = state;
                else if (Top() is not TorchTensor) Top<PickleDict>("a dict");
                break;
            default:
                return false;
        }

        return true;
    }

    private PickleGlobal Global(string module, string name)
    {
        if (PickleGlobal.Find(module, name) is PickleGlobal known) return known;
        if (module == "torch" && name.EndsWith("Storage", StringComparison.Ordinal))
        {
            throw Error($"elements of {name} are not supported; save the weights as float, half, bfloat16 or double");
        }

        string advice = module.StartsWith("__torch__", StringComparison.Ordinal)
            ? "this is a TorchScript program, not a weight file; in Python, save model.state_dict() instead"
            : "loading it would run code, which Thomas does not do; save only the weights: torch.save(model.state_dict(), path)";
        throw Error($"the file names '{module}.{name}': {advice}");
    }

    /// <summary>
    /// The only objects outside the pickle are storages: ('storage', class, key, device, elements) and, in the legacy format, which part of them. There a
    /// class of modules may come with its source: ('module', class, file, source).
    /// </summary>
    private object PersistentObject(object?[] id)
    {
        if (id is ["module", PickleGlobal { Kind: PickleGlobalKind.Object } module, ..]) return module;
        if (id is not ["storage", PickleGlobal { Kind: PickleGlobalKind.Storage } type, string key, string, long count, ..])
        {
            throw Error("an external reference that is not a storage; save only the state_dict: torch.save(model.state_dict(), path)");
        }

        if (key.Length > MaxStorageKey) throw Error($"the key of a storage has {key.Length} characters");
        if (count < 0) throw Error($"storage '{key}' has {count} elements");
        TorchStorage storage = id switch
        {
            { Length: 5 } or [.., null] when id.Length <= 6 => new TorchStorage(key, type.Type, count, 0, count),
            [_, _, _, _, _, object?[] and [string, long offset, long viewCount]] when offset >= 0 && viewCount >= 0 && offset <= count
                && viewCount <= count - offset =>
                new TorchStorage(key, type.Type, count, offset, viewCount),
            _ => throw Error($"storage '{key}' is described in an unknown way, or as a part beyond its end"),
        };
        if (!Storages.TryAdd(key, storage) && (Storages[key].Type != storage.Type || Storages[key].Count != storage.Count))
        {
            throw Error($"storage '{key}' has {Storages[key].Count} {Storages[key].Type} elements in one place and {count} {type.Type} in another");
        }

        return storage;
    }

    private object Call(PickleGlobal global, object?[] arguments)
    {
        switch (global.Kind)
        {
            case PickleGlobalKind.OrderedDict when arguments.Length == 0:
                return new PickleDict();
            case PickleGlobalKind.OrderedDict when arguments is [List<object?> pairs]:
                // The list may be a recalled one, which the pickle paid for once and copies with every call.
                Count(pairs.Count);
                PickleDict dict = new();
                foreach (object? pair in pairs)
                {
                    if (pair is List<object?> and [var key, var value]) Set(dict, key, value);
                    else if (pair is object?[] and [var first, var second]) Set(dict, first, second);
                    else throw Error("an OrderedDict is built from something that is not a pair");
                }

                return dict;
            case PickleGlobalKind.Tensor when arguments is [TorchStorage storage, long offset, object?[] sizes, object?[] strides, ..]
                && sizes.Length == strides.Length && sizes.Length <= MaxAxes:
                return new TorchTensor(storage, offset, Integers(sizes), Integers(strides));
            case PickleGlobalKind.Parameter when arguments is [TorchTensor tensor, ..]:
                return tensor;
            case PickleGlobalKind.TensorOfClass when arguments is [PickleGlobal { Kind: PickleGlobalKind.Tensor } maker, _, object?[] inner, ..]:
                return Call(maker, inner);
            case PickleGlobalKind.DefaultDict when arguments.Length <= 1:
                return new PickleDict();
            case PickleGlobalKind.Object:
                return new PickleObject(global.Name);
            default:
                throw Error($"a call that builds a {global.Kind} has wrong arguments");
        }
    }

    private PickleObject New(object? made, object? arguments)
    {
        if (made is PickleGlobal { Kind: PickleGlobalKind.Object } known && arguments is object?[]) return new PickleObject(known.Name);
        throw Error("an object is made of something that is not a class");
    }

    private void Set(PickleDict dict, object? key, object? value)
    {
        if (key is not string text) return;
        if ((_keyChars += text.Length) > MaxKeyChars) throw Error($"the keys of its dicts have more than {MaxKeyChars} characters");
        dict[text] = value;
    }

    private long[] Integers(object?[] items)
    {
        long[] integers = new long[items.Length];
        for (int i = 0; i < items.Length; i++) integers[i] = items[i] as long? ?? throw Error("a size or stride of a tensor is not a whole number");
        return integers;
    }

    private object? Recall(long index) => _memo.TryGetValue(index, out object? value) ? value : throw Error($"value {index} is recalled before it is stored");

    private void Push(object? value)
    {
        Count(1);
        _stack.Add(value);
    }

    /// <summary>Counts values that are about to be made.</summary>
    private void Count(int values)
    {
        if (values > ModelLimits.PickleValues - _values) throw TooManyValues();
        _values += values;
    }

    /// <summary>The number of values on the stack that belong to the innermost open group.</summary>
    private int Available => _stack.Count - (_marks.Count > 0 ? _marks[^1] : 0);

    private object? Top() => Available > 0 ? _stack[^1] : throw Error("a value is missing");

    private T Top<T>(string kind)
        where T : class
        => Top() as T ?? throw Error($"the opcode needs {kind}");

    private object? Pop()
    {
        object? value = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object?[] PopMany(int count)
    {
        if (Available < count) throw Error($"{count} values are needed, {Available} are available");
        object?[] values = [.. System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_stack)[^count..]];
        _stack.RemoveRange(_stack.Count - count, count);
        return values;
    }

    private object?[] PopToMark()
    {
        if (_marks.Count == 0) throw Error("a group ends that was never begun");
        object?[] values = PopMany(Available);
        _marks.RemoveAt(_marks.Count - 1);
        return values;
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)(_end - _at))
        {
            throw Error(_end < bytes.Length ? $"the pickle takes more than {ModelLimits.WeightHeaderBytes} bytes" : "the pickle is cut off");
        }

        ReadOnlySpan<byte> taken = bytes.Span.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }

    private string Text(Encoding encoding, ulong length) => encoding.GetString(Take(length));

    private string Line()
    {
        int length = bytes.Span[_at.._end].IndexOf((byte)'\n');
        if (length < 0) throw Error("a name is not terminated");
        string line = Encoding.UTF8.GetString(Take((ulong)length));
        Take(1);
        return line;
    }

    private ModelFormatException TooManyValues() => Error($"the pickle makes more than {ModelLimits.PickleValues} values");

    private ModelFormatException Error(string problem) => new(file, $"{entry}, byte {_opcodeAt}", problem);
}
