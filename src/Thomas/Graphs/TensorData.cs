using System;
using System.Runtime.InteropServices;

namespace Thomas.Graphs;

/// <summary>
/// The contents of a constant: row-major, little-endian, without padding. It borrows its bytes (usually a slice of the model file as read), so
/// building one copies nothing.
/// </summary>
/// <remarks>
/// Weights of 8-bit files stay the integers that they are (<see cref="Steps"/>): their real numbers are computed when something asks for them, and forgotten
/// when nothing reads them any more.
/// </remarks>
public sealed class TensorData
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private WeakReference<FloatBytes>? _expanded;

    /// <summary>Wraps bytes that hold exactly one tensor of the type.</summary>
    /// <exception cref="GraphException">The byte count does not fit the type.</exception>
    public TensorData(TensorType type, ReadOnlyMemory<byte> bytes, Quantization? quantization = null)
    {
        if (bytes.Length != type.SizeBytes) throw new GraphException($"A tensor of type {type} takes {type.SizeBytes} bytes, not {bytes.Length}.");
        Type = type;
        _bytes = bytes;
        Quantization = quantization;
    }

    private TensorData(Shape shape, TensorData steps)
    {
        Type = new TensorType(DType.F32, shape);
        Steps = steps;
        Quantization = steps.Quantization;
    }

    /// <summary>Element type and shape.</summary>
    public TensorType Type { get; }

    /// <summary>The raw elements.</summary>
    public ReadOnlyMemory<byte> Bytes => Steps is null ? _bytes : Expanded();

    /// <summary>
    /// The 8-bit integers, with the grid that they lie on, of which the elements are the real numbers; null where those are stored themselves.
    /// </summary>
    internal TensorData? Steps { get; }

    /// <summary>
    /// How the numbers that the file stored map to real ones, where it stored integers; the elements here are real. Only a hint: who wants the integers back
    /// must see that each element lies on the grid.
    /// </summary>
    public Quantization? Quantization { get; }

    /// <summary>
    /// The integers of 32 bits that the file stored for real numbers here, before <see cref="Quantization"/>, where float32 may not hold them exactly: of a
    /// quantized bias. Empty elsewhere.
    /// </summary>
    internal ReadOnlyMemory<byte> Integers { get; init; }

    /// <summary>The elements of an F32 tensor.</summary>
    public ReadOnlySpan<float> Floats => Cast<float>(DType.F32);

    /// <summary>The elements of an I32 tensor.</summary>
    public ReadOnlySpan<int> Ints => Cast<int>(DType.I32);

    /// <summary>The elements of an I64 tensor.</summary>
    public ReadOnlySpan<long> Longs => Cast<long>(DType.I64);

    /// <summary>The elements as float32 numbers: those of F32 where they lie, those of 16 bits widened, which is exact, into a new array.</summary>
    internal ReadOnlySpan<float> Widened => Type.DType == DType.F32 ? Floats : ToFloats();

    /// <summary>An F32 tensor over a new array that the caller hands over.</summary>
    public static TensorData FromFloats(Shape shape, float[] values) => FromFloats(shape, values, null);

    /// <summary>Real numbers that the file stored as integers, and how.</summary>
    internal static TensorData FromFloats(Shape shape, float[] values, Quantization? quantization, ReadOnlyMemory<byte> integers = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new(new TensorType(DType.F32, shape), AsBytes(values), quantization) { Integers = integers };
    }

    /// <summary>Real numbers on a grid of 8 bits, kept as steps: real = scale * (step - zeroPoint) in float32.</summary>
    /// <param name="steps">Integers of type I8 or U8 with their <see cref="Quantization"/>.</param>
    internal static TensorData FromSteps(TensorData steps)
    {
        if (steps.Type.DType is not (DType.I8 or DType.U8) || steps.Quantization is not Quantization grid || !grid.Fits(steps.Type.Shape))
        {
            throw new GraphException($"A tensor of type {steps.Type} holds no steps of a grid.");
        }

        return new TensorData(steps.Type.Shape, steps);
    }

    /// <summary>The elements of a tensor of floats of 16 or 32 bits as a new array of float32; exact.</summary>
    /// <exception cref="InvalidOperationException">It holds integers.</exception>
    public float[] ToFloats()
    {
        float[] values = new float[Type.Shape.ElementCount];
        CopyTo(values);
        return values;
    }

    /// <summary>The same numbers as F32: this, where it is F32.</summary>
    internal TensorData ToF32() => Type.DType == DType.F32 ? this : FromFloats(Type.Shape, ToFloats(), Quantization);

    /// <summary>Writes the elements of a tensor of floats of 16 or 32 bits as float32; exact.</summary>
    internal void CopyTo(Span<float> values)
    {
        if (values.Length != Type.Shape.ElementCount)
        {
            throw new ArgumentException($"A tensor of type {Type} has {Type.Shape.ElementCount} elements, not {values.Length}.", nameof(values));
        }

        CopyTo(values, 0);
    }

    /// <summary>Writes as many elements as there is room for, from one on.</summary>
    internal unsafe void CopyTo(Span<float> values, int first)
    {
        if (!Type.DType.IsFloat()) throw new InvalidOperationException($"The tensor holds {Type.DType}, not real numbers.");
        ReadOnlySpan<byte> bytes = Bytes.Span.Slice(first * Type.DType.SizeBytes(), values.Length * Type.DType.SizeBytes());
        fixed (byte* source = bytes)
        fixed (float* target = values)
            Elements.Load(Type.DType, source, target, values.Length);
    }

    /// <summary>The same elements under another shape.</summary>
    public TensorData Reshaped(Shape shape)
    {
        Quantization? grid = Quantization?.Reshaped(Type.Shape, shape);
        if (Steps is null || grid is null) return new(new TensorType(Type.DType, shape), Bytes, grid);
        return new TensorData(shape, new TensorData(new TensorType(Steps.Type.DType, shape), Steps._bytes, grid));
    }

    private ReadOnlyMemory<byte> Expanded()
    {
        if (_expanded is { } known && known.TryGetTarget(out FloatBytes? floats)) return floats.Memory;
        float[] values = new float[Type.Shape.ElementCount];
        ReadOnlySpan<byte> steps = Steps!._bytes.Span;
        Quantization grid = Quantization!;
        bool isSigned = Steps.Type.DType == DType.I8;
        int inner = grid.IsPerTensor ? values.Length : Type.Shape.Product(grid.Axis + 1, Type.Shape.Rank), channels = grid.Scales.Length;
        for (int start = 0, channel = 0; start < values.Length; start += inner, channel = channel + 1 == channels ? 0 : channel + 1)
        {
            float scale = grid.Scales[channel];
            int zero = grid.ZeroPoints[channel];
            for (int i = start; i < start + inner; i++) values[i] = scale * ((isSigned ? (sbyte)steps[i] : steps[i]) - zero);
        }

        floats = new FloatBytes(values);
        _expanded = new WeakReference<FloatBytes>(floats);
        return floats.Memory;
    }

    private static ReadOnlyMemory<byte> AsBytes(float[] values) => new FloatBytes(values).Memory;

    private ReadOnlySpan<T> Cast<T>(DType expected)
        where T : struct
    {
        if (Type.DType != expected) throw new InvalidOperationException($"The tensor holds {Type.DType}, not {expected}.");
        return MemoryMarshal.Cast<byte, T>(Bytes.Span);
    }

    /// <summary>Shows a float array as bytes without copying it.</summary>
    private sealed class FloatBytes(float[] values) : System.Buffers.MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => MemoryMarshal.AsBytes(values.AsSpan());

        public override unsafe System.Buffers.MemoryHandle Pin(int elementIndex = 0)
        {
            GCHandle pin = GCHandle.Alloc(values, GCHandleType.Pinned);
            return new System.Buffers.MemoryHandle((byte*)pin.AddrOfPinnedObject() + elementIndex, pin);
        }

        public override void Unpin()
        {
            // The handle that Pin returned frees itself.
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
