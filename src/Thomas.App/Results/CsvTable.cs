using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace Thomas.App.Results;

/// <summary>
/// A table for spreadsheets and programs: RFC 4180, commas, decimal points, UTF-8. A byte order mark begins the file only if it has characters beyond ASCII,
/// because spreadsheets take it for another encoding without the mark.
/// </summary>
internal sealed class CsvTable
{
    // Spreadsheets compute a cell that begins like this; so do some with the wide forms of East Asian keyboards.
    private const string FormulaStarts = "=+-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20";

    private readonly StringBuilder _text = new();

    /// <summary>A table of no rows yet.</summary>
    /// <param name="columns">Names of the columns.</param>
    public CsvTable(params IReadOnlyList<string> columns) => AddRow(columns);

    /// <summary>Adds a row of fields, which are quoted where they need it.</summary>
    public void AddRow(params IReadOnlyList<string> fields)
    {
        for (int i = 0; i < fields.Count; i++)
        {
            if (i > 0) _text.Append(',');
            if (fields[i].AsSpan().IndexOfAny(",\"\r\n") < 0 && fields[i].Trim().Length == fields[i].Length) _text.Append(fields[i]);
            else _text.Append('"').Append(fields[i].Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
        }

        _text.Append("\r\n");
    }

    /// <summary>
    /// A name from outside, such as that of a class, as text that no spreadsheet computes: one that begins like a formula, whatever apostrophes it has in
    /// front, gets one more apostrophe. Taking one off gives the name back.
    /// </summary>
    public static string Name(string name)
    {
        ReadOnlySpan<char> rest = name.AsSpan().TrimStart('\'');
        return rest.Length > 0 && FormulaStarts.Contains(rest[0], StringComparison.Ordinal) ? "'" + name : name;
    }

    /// <summary>A path as text that no spreadsheet computes: one that begins like a formula gets ./ in front and names the same file.</summary>
    public static string Path(string path)
    {
        if (path.Length == 0 || !FormulaStarts.Contains(path[0], StringComparison.Ordinal)) return path;
        return "./" + path;
    }

    /// <summary>A number with six digits.</summary>
    public static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    /// <summary>Writes the table, whole or not at all.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Save(string path)
    {
        string text = _text.ToString();
        Encoding encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: !Ascii.IsValid(text));
        AtomicFile.Write(path, stream =>
        {
            stream.Write(encoding.Preamble);
            stream.Write(encoding.GetBytes(text));
        });
    }
}
