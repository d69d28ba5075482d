using System;
using System.Collections.Generic;
using Thomas.Formats.Onnx.Proto;

namespace Thomas.Formats.Onnx;

/// <summary>Copies of nodes under other names, for functions that are called and loops that are unrolled.</summary>
internal static class OnnxRename
{
    /// <param name="node">The node to copy.</param>
    /// <param name="rename">The new name of a value.</param>
    /// <param name="attributes">Attributes of the call, which those of the function's nodes may refer to; null outside functions.</param>
    public static NodeProto Node(NodeProto node, Func<string, string> rename, IReadOnlyDictionary<string, AttributeProto>? attributes)
    {
        NodeProto copy = new() { OpType = node.OpType, Domain = node.Domain, Name = node.Name, Overload = node.Overload };
        foreach (string input in node.Input) copy.Input.Add(rename(input));
        foreach (string output in node.Output) copy.Output.Add(rename(output));
        foreach (AttributeProto attribute in node.Attribute)
        {
            AttributeProto source = attribute;
            if (attribute.RefAttrName.Length > 0)
            {
                // An attribute that the call leaves out is left out here too.
                if (attributes is null || !attributes.TryGetValue(attribute.RefAttrName, out AttributeProto? given)) continue;
                source = given.Clone();
                source.Name = attribute.Name;
            }
            else if (attribute.G is not null || attribute.Graphs.Count > 0)
            {
                source = attribute.Clone();
                if (source.G is not null) source.G = Graph(source.G, rename, attributes);
            }

            copy.Attribute.Add(source);
        }

        return copy;
    }

    /// <summary>Collects the names that a graph and the graphs in it define.</summary>
    public static void AddDefined(GraphProto graph, HashSet<string> names)
    {
        foreach (ValueInfoProto input in graph.Input) names.Add(input.Name);
        foreach (TensorProto initializer in graph.Initializer) names.Add(initializer.Name);
        foreach (NodeProto node in graph.Node)
        {
            foreach (string output in node.Output) names.Add(output);
            foreach (AttributeProto attribute in node.Attribute)
            {
                if (attribute.G is not null) AddDefined(attribute.G, names);
            }
        }
    }

    private static GraphProto Graph(GraphProto graph, Func<string, string> rename, IReadOnlyDictionary<string, AttributeProto>? attributes)
    {
        GraphProto copy = new() { Name = graph.Name };
        foreach (NodeProto node in graph.Node) copy.Node.Add(Node(node, rename, attributes));
        foreach (ValueInfoProto input in graph.Input) copy.Input.Add(new ValueInfoProto { Name = rename(input.Name), Type = input.Type });
        foreach (ValueInfoProto output in graph.Output) copy.Output.Add(new ValueInfoProto { Name = rename(output.Name), Type = output.Type });
        foreach (TensorProto initializer in graph.Initializer)
        {
            TensorProto named = initializer.Clone();
            named.Name = rename(initializer.Name);
            copy.Initializer.Add(named);
        }

        return copy;
    }
}
