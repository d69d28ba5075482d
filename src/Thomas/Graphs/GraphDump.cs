using System;
using System.Globalization;
using System.Text;

namespace Thomas.Graphs;

/// <summary>A stable text form of a graph: one line per input and node.</summary>
internal static class GraphDump
{
    /// <summary>Writes inputs, nodes with operands, attributes and result types, and outputs.</summary>
    public static string ToText(Graph graph)
    {
        ArgumentNullException.ThrowIfNull(graph);
        StringBuilder text = new();
        foreach (Value input in graph.Inputs) text.Append(CultureInfo.InvariantCulture, $"input {input}\n");
        foreach (Node node in graph.Nodes)
        {
            AppendList(text, node.Outputs, static v => v.ToString());
            text.Append(CultureInfo.InvariantCulture, $" = {node.Op.Name}(");
            AppendList(text, node.Inputs, static v => v.IsConstant || v.IsVariable ? v.ToString() : "%" + VisibleText.Of(v.Name));
            text.Append(')');
            if (node.Attributes is not NoAttributes) text.Append(CultureInfo.InvariantCulture, $" {node.Attributes}");
            text.Append('\n');
        }

        text.Append("output ");
        AppendList(text, graph.Outputs, static v => "%" + VisibleText.Of(v.Name));
        return text.Append('\n').ToString();
    }

    private static void AppendList(StringBuilder text, System.Collections.Generic.IReadOnlyList<Value> values, Func<Value, string> format)
    {
        for (int i = 0; i < values.Count; i++) text.Append(i == 0 ? "" : ", ").Append(format(values[i]));
    }
}
