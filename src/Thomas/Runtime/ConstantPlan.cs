using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>
/// Where the constants of a compiled graph lie on each device: those that kernels keep in layouts of their own, and, on a device with memory of its own, copies
/// of those that its kernels read as they are. The host reads them where the model holds them, but for floats of 16 bits that its kernels want as float32:
/// those are widened once.
/// </summary>
internal sealed class ConstantPlan
{
    private readonly long[] _offsets;
    private readonly Dictionary<(Value Value, bool Widened), long>[] _copies;
    private readonly long[] _bytes;

    public ConstantPlan(Graph graph, DeviceKernel?[] kernels, Places places)
    {
        _offsets = new long[kernels.Length];
        _bytes = new long[places.Count];
        _copies = new Dictionary<(Value Value, bool Widened), long>[places.Count];
        for (int place = 0; place < _copies.Length; place++) _copies[place] = [];
        for (int i = 0; i < kernels.Length; i++)
        {
            if (kernels[i] is not DeviceKernel kernel) continue;
            int place = graph.Nodes[i].Place;
            long alignment = places.AlignmentOf(place);
            _offsets[i] = _bytes[place];
            _bytes[place] += Align(kernel.ConstantBytes, alignment);
            for (int k = 0; k < graph.Nodes[i].Inputs.Count; k++)
            {
                Value input = graph.Nodes[i].Inputs[k];
                bool widened = IsWidened(input, kernel, k);
                if (!input.IsConstant || (places.Devices[place] is HostDevice && !widened) || !_copies[place].TryAdd((input, widened), _bytes[place])) continue;
                _bytes[place] += Align(BytesOf(input, widened), alignment);
            }
        }

        foreach (long bytes in _bytes) Bytes += bytes;
    }

    /// <summary>Bytes on all devices.</summary>
    public long Bytes { get; }

    /// <summary>Bytes on a device.</summary>
    public long BytesOf(int place) => _bytes[place];

    /// <summary>Where the constants of a node's kernel begin in the memory of its device.</summary>
    public long OffsetOf(int node) => _offsets[node];

    /// <summary>Whether a kernel wants an operand, a constant of 16-bit floats, as float32.</summary>
    public static bool IsWidened(Value value, DeviceKernel kernel, int input) => value.IsConstant && value.Type.DType.IsHalf() && kernel.ReadsFloats(input);

    /// <summary>Bytes of a constant as it is, or widened to float32.</summary>
    public static long BytesOf(Value value, bool widened) => widened ? sizeof(float) * (long)value.Shape.ElementCount : value.Type.SizeBytes;

    /// <summary>The constants that are copied into the memory of a device, as they are or widened to float32, and where to.</summary>
    public IReadOnlyDictionary<(Value Value, bool Widened), long> CopiesOf(int place) => _copies[place];

    private static long Align(long bytes, long alignment) => (bytes + alignment - 1) & -alignment;
}
