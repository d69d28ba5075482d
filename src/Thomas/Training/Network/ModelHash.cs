using System;
using System.IO.Hashing;
using System.Text;
using Thomas.Graphs;

namespace Thomas.Training;

/// <summary>A hash of what a graph computes: its structure and constants.</summary>
internal static class ModelHash
{
    /// <param name="graph">The graph.</param>
    /// <param name="isLeftOut">Constants whose contents do not count; null for none.</param>
    public static UInt128 Of(Graph graph, Func<Value, bool>? isLeftOut = null)
    {
        XxHash128 hash = new();
        hash.Append(Encoding.UTF8.GetBytes(GraphDump.ToText(graph)));
        foreach (Value value in graph.Values)
        {
            if (value.Constant is TensorData data && isLeftOut?.Invoke(value) != true) hash.Append(data.Bytes.Span);
        }

        // A quantization's numbers are not all in the text.
        foreach (Node node in graph.Nodes)
        {
            if (node.Attributes is not Ops.FakeQuantizeAttributes a) continue;
            hash.Append(System.Runtime.InteropServices.MemoryMarshal.AsBytes(a.Quantization.Scales));
            hash.Append(System.Runtime.InteropServices.MemoryMarshal.AsBytes(a.Quantization.ZeroPoints));
        }

        return hash.GetCurrentHashAsUInt128();
    }
}
