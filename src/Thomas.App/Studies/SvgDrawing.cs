using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using System.Xml.Linq;
using OxyPlot;

namespace Thomas.App.Studies;

/// <summary>Turns what OxyPlot draws into a part of a page: colors and fonts from its style, names of its own, text for those who cannot see it.</summary>
internal static class SvgDrawing
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <param name="model">The chart.</param>
    /// <param name="width">Of the drawing, pixels.</param>
    /// <param name="height">Of the drawing, pixels.</param>
    /// <param name="title">Its title.</param>
    /// <param name="description">A sentence about it.</param>
    /// <param name="id">Tells its names from those of the page's other drawings.</param>
    public static string Of(PlotModel model, double width, double height, string title, string description, string id)
    {
        using MemoryStream stream = new();
        SvgExporter exporter = new() { Width = width, Height = height, UseVerticalTextAlignmentWorkaround = true, TextMeasurer = new TextRuler() };
        exporter.Export(model, stream);
        stream.Position = 0;
        XElement svg = XDocument.Load(stream).Root!;
        foreach (XElement element in svg.DescendantsAndSelf())
        {
            List<XAttribute> attributes = [.. element.Attributes()];
            foreach (XAttribute attribute in attributes) Adapt(attribute, id);
        }

        svg.SetAttributeValue("viewBox", Format.Invariant($"0 0 {width} {height}"));
        svg.SetAttributeValue("role", "img");
        svg.SetAttributeValue("aria-labelledby", $"{id}-title {id}-text");
        svg.AddFirst(
            new XElement(Svg + "title", new XAttribute("id", $"{id}-title"), VisibleText.Of(title)),
            new XElement(Svg + "desc", new XAttribute("id", $"{id}-text"), VisibleText.Of(description)));
        foreach (XElement element in svg.DescendantsAndSelf()) element.Name = element.Name.LocalName;
        return svg.ToString(System.Xml.Linq.SaveOptions.DisableFormatting);
    }

    private static void Adapt(XAttribute attribute, string id)
    {
        string name = attribute.Name.LocalName;
        if (attribute.IsNamespaceDeclaration || name is "version" or "font-family" or "font-weight")
        {
            attribute.Remove();
            return;
        }

        attribute.Value = name switch
        {
            "id" => $"{id}-{attribute.Value}",
            "clip-path" => attribute.Value.Replace("url(#", $"url(#{id}-", StringComparison.Ordinal),
            "fill" or "stroke" => ChartColors.VariableOf(attribute.Value) is string variable ? $"var({variable})" : attribute.Value,
            "style" => Style(attribute.Value),
            _ => attribute.Value,
        };
    }

    private static string Style(string style)
    {
        StringBuilder adapted = new();
        foreach (string declaration in style.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            int colon = declaration.IndexOf(':');
            string value = declaration[(colon + 1)..];
            if (ChartColors.VariableOf(value) is string variable) value = $"var({variable})";
            adapted.Append(adapted.Length == 0 ? "" : ";").Append(declaration.AsSpan(0, colon + 1)).Append(value);
        }

        return adapted.ToString();
    }

    /// <summary>The room that text takes in the fonts of browsers. OxyPlot's own ruler knows Western letters only.</summary>
    private sealed class TextRuler() : PdfRenderContext(1, 1, OxyColors.Undefined)
    {
        // In parts of the height of the font. Those of DejaVu Sans, the widest that systems without Arial show in its place: room to spare is better than
        // text that is cut.
        private const double Narrow = 0.36, Digit = 0.637, Letter = 0.62, Capital = 0.80, Wide = 1;

        public override OxySize MeasureText(string text, string fontFamily, double fontSize, double fontWeight)
        {
            double width = 0;
            foreach (Rune rune in (text ?? "").EnumerateRunes())
            {
                width += rune.Value switch
                {
                    'i' or 'j' or 'l' or 't' or 'f' or 'I' or ' ' or '.' or ',' or ':' or ';' or '\'' or '|' or '!' or '(' or ')' or '/' => Narrow,
                    >= '0' and <= '9' => Digit,
                    >= 'A' and <= 'Z' or 'm' or 'w' or '%' or '@' => Capital,
                    < 0x300 => Letter,
                    _ => VisibleText.Width(rune.ToString()) == 2 ? Wide : Capital,
                };
            }

            return new OxySize(width * fontSize, fontSize * 1.2);
        }
    }
}
