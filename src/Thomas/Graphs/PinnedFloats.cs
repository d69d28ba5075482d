using System;
using System.Buffers;
using System.Runtime.InteropServices;

namespace Thomas.Graphs;

/// <summary>
/// The elements of a constant as float32 numbers, for as long as a kernel packs them: those of F32 where they lie, those of 16 bits widened into memory that is
/// freed at the end, so that a model whose weights are 16-bit never stands in memory twice as large.
/// </summary>
internal readonly unsafe ref struct PinnedFloats : IDisposable
{
    private readonly MemoryHandle _pin;
    private readonly float* _own;

    /// <param name="data">The constant; null for none.</param>
    public PinnedFloats(TensorData? data)
        : this(data, 0, data?.Type.Shape.ElementCount ?? 0)
    {
    }

    /// <summary>Some of the elements.</summary>
    /// <param name="data">The constant; null for none.</param>
    /// <param name="first">The first one.</param>
    /// <param name="count">How many there are.</param>
    public PinnedFloats(TensorData? data, int first, int count)
    {
        if (data is null) return;
        if (data.Type.DType == DType.F32)
        {
            _pin = data.Bytes.Pin();
            Pointer = (float*)_pin.Pointer + first;
            return;
        }

        Pointer = _own = (float*)NativeMemory.Alloc((nuint)Math.Max(count, 1), sizeof(float));
        data.CopyTo(new Span<float>(_own, count), first);
    }

    /// <summary>The first element; null where there is no constant.</summary>
    public float* Pointer { get; }

    public void Dispose()
    {
        NativeMemory.Free(_own);
        _pin.Dispose();
    }
}
