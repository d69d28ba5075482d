using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;

namespace Thomas.Tests.Formats.PyTorch;

/// <summary>Writes pickles opcode by opcode, as Python's pickler does.</summary>
internal sealed class PickleBuilder
{
    private readonly List<byte> _bytes = [];

    public PickleBuilder(byte protocol = 2) => Raw(0x80, protocol);

    public PickleBuilder Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    /// <summary>Opcodes without arguments.</summary>
    public PickleBuilder Ops(string opcodes) => Raw(Encoding.Latin1.GetBytes(opcodes));

    public PickleBuilder Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return Raw((byte)'X').Raw(BitConverter.GetBytes(bytes.Length)).Raw(bytes);
    }

    public PickleBuilder Int(long value)
    {
        if (value == (byte)value) return Raw((byte)'K', (byte)value);
        if (value == (int)value) return Raw((byte)'J').Raw(BitConverter.GetBytes((int)value));
        return Raw(0x8a, 8).Raw(BitConverter.GetBytes(value));
    }

    public PickleBuilder Real(double value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteDoubleBigEndian(bytes, value);
        return Raw((byte)'G').Raw(bytes);
    }

    public PickleBuilder Tuple(params ReadOnlySpan<long> values)
    {
        Ops("(");
        foreach (long value in values) Int(value);
        return Ops("t");
    }

    public PickleBuilder Global(string module, string name) => Ops("c").Raw(Encoding.UTF8.GetBytes($"{module}\n{name}\n"));

    /// <summary>The beginning of an OrderedDict with entries; <c>u</c> ends them.</summary>
    public PickleBuilder OpenDict() => Global("collections", "OrderedDict").Ops(")R(");

    public PickleBuilder Storage(string type, string key, long count, bool legacy = false) =>
        Ops("(").Text("storage").Global("torch", type).Text(key).Text("cpu").Int(count).Ops(legacy ? "NtQ" : "tQ");

    public PickleBuilder Tensor(string type, string key, long count, long offset, long[] sizes, long[] strides, bool legacy = false) =>
        Global("torch._utils", "_rebuild_tensor_v2").Ops("(").Storage(type, key, count, legacy).Int(offset).Tuple(sizes).Tuple(strides)
            .Raw(0x89).Global("collections", "OrderedDict").Ops(")RtR");

    public byte[] End()
    {
        Ops(".");
        return [.. _bytes];
    }
}
