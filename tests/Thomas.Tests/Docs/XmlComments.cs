using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Thomas.Tests.Docs;

/// <summary>The documentation comments of the library as Markdown, from the XML file that the compiler writes beside it.</summary>
internal sealed partial class XmlComments
{
    private readonly Dictionary<string, XElement> _members = new(StringComparer.Ordinal);

    public XmlComments()
    {
        XDocument document = XDocument.Load(Path.Combine(AppContext.BaseDirectory, "Thomas.xml"));
        foreach (XElement member in document.Descendants("member")) _members[member.Attribute("name")!.Value] = member;
    }

    /// <summary>The summary of a type.</summary>
    public string SummaryOf(Type type) => Text(_members[$"T:{type.FullName}"].Element("summary")!);

    /// <summary>The summary of a field, such as the member of an enumeration.</summary>
    public string SummaryOf(Type type, string field) => Text(_members[$"F:{type.FullName}.{field}"].Element("summary")!);

    /// <summary>What a record's parameter means.</summary>
    public string ParameterOf(Type record, string name) =>
        Text(_members[$"T:{record.FullName}"].Elements("param").First(param => param.Attribute("name")!.Value == name));

    private static string Text(XElement element) => Blanks().Replace(string.Concat(element.Nodes().Select(Text)), " ").Trim();

    private static string Text(XNode node) => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "c" } code => $"`{code.Value}`",
        XElement { Name.LocalName: "see" } see => $"`{see.Attribute("cref")!.Value.Split('.')[^1]}`",
        XElement other => throw new InvalidDataException($"The operator page does not know the tag <{other.Name.LocalName}>."),
        _ => "",
    };

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
