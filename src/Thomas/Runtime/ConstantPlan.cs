using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>
/// Where the constants of a compiled graph lie on each device: those that kernels keep in layouts of their own, and, on a device with memory of its own, copies of those that
/// its kernels read as they are. The host reads them where the model holds them.
/// </summary>
internal sealed class ConstantPlan
{
    private readonly long[] _offsets;
    private readonly Dictionary<Value, long>[] _copies;
    private readonly long[] _bytes;

    public ConstantPlan(Graph graph, DeviceKernel?[] kernels, Places places)
    {
        _offsets = new long[kernels.Length];
        _bytes = new long[places.Count];
        _copies = new Dictionary<Value, long>[places.Count];
        for (int place = 0; place < _copies.Length; place++) _copies[place] = [];
        for (int i = 0; i < kernels.Length; i++)
        {
            if (kernels[i] is not DeviceKernel kernel) continue;
            int place = graph.Nodes[i].Place;
            long alignment = places.AlignmentOf(place);
            _offsets[i] = _bytes[place];
            _bytes[place] += Align(kernel.ConstantBytes, alignment);
            if (places.Devices[place] is HostDevice) continue;
            foreach (Value input in graph.Nodes[i].Inputs)
            {
                if (!input.IsConstant || !_copies[place].TryAdd(input, _bytes[place])) continue;
                _bytes[place] += Align(input.Type.SizeBytes, alignment);
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

    /// <summary>The constants that are copied as they are into the memory of a device, and where to.</summary>
    public IReadOnlyDictionary<Value, long> CopiesOf(int place) => _copies[place];

    private static long Align(long bytes, long alignment) => (bytes + alignment - 1) & -alignment;
}
