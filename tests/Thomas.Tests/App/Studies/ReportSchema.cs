using System;
using System.IO;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Xml.Linq;
using Thomas.Study;

namespace Thomas.Tests.App.Studies;

/// <summary>The schema of <c>report.json</c>, made from the records and their comments.</summary>
internal static class ReportSchema
{
    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static string Render()
    {
        XDocument comments = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Thomas.xml"));
        JsonSchemaExporterOptions options = new()
        {
            TreatNullObliviousAsNonNullable = true,
            TransformSchemaNode = (context, node) => Describe(context, node, comments),
        };
        JsonObject schema = (JsonObject)JsonSchemaExporter.GetJsonSchemaAsNode(StudyJson.Default.StudyReport, options);
        schema["properties"]!["schema"]!["const"] = StudyReport.CurrentSchema;
        JsonObject named = new()
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Report of thomas (report.json)",
        };
        foreach ((string name, JsonNode? value) in schema) named[name] = value?.DeepClone();
        return named.ToJsonString(Readable).ReplaceLineEndings("\n") + "\n";
    }

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode node, XDocument comments)
    {
        string? text = context.PropertyInfo is { } property
            ? Member(comments, property.DeclaringType, char.ToUpperInvariant(property.Name[0]) + property.Name[1..])
            : context.Path.IsEmpty ? Text(comments, $"T:{context.TypeInfo.Type.FullName}", "summary", null) : null;
        if (text is null || node is not JsonObject described) return node;
        described.Insert(0, "description", text);
        return described;
    }

    /// <summary>The comment of a property, or of the parameter of a record that it comes from.</summary>
    private static string? Member(XDocument comments, Type type, string name) =>
        Text(comments, $"P:{type.FullName}.{name}", "summary", null) ?? Text(comments, $"T:{type.FullName}", "param", name);

    private static string? Text(XDocument comments, string member, string element, string? name)
    {
        foreach (XElement found in comments.Descendants("member"))
        {
            if (found.Attribute("name")!.Value != member) continue;
            foreach (XElement text in found.Elements(element))
            {
                if (name is not null && text.Attribute("name")?.Value != name) continue;
                foreach (XElement see in text.Descendants("see")) see.Value = see.Attribute("cref")!.Value.Split('.')[^1];
                return string.Join(' ', text.Value.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return null;
    }
}
