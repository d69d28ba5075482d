using System.Collections.Generic;
using System.Text;

namespace Thomas.Data;

/// <summary>
/// Splits text into records and fields as RFC 4180 says, with a comma or another character between fields; unquoted fields lose the blanks around them.
/// </summary>
internal sealed class CsvReader(string name, string text, char separator = ',')
{
    private int _at;
    private int _line = 1;

    /// <summary>Line on which the last record starts, from 1.</summary>
    public int RecordLine { get; private set; }

    /// <summary>Reads the next record that is not a blank line.</summary>
    /// <param name="fields">Receives its fields.</param>
    /// <returns>False at the end of the text.</returns>
    public bool ReadRecord(List<string> fields)
    {
        while (_at < text.Length)
        {
            RecordLine = _line;
            fields.Clear();
            bool quoted;
            do
            {
                fields.Add(ReadField(out quoted));
            }
            while (TakeSeparator());

            TakeLineEnd();
            if (fields.Count > 1 || quoted || fields[0].Length > 0)
            {
                return true;
            }
        }

        return false;
    }

    private string ReadField(out bool quoted)
    {
        SkipBlanks();
        quoted = _at < text.Length && text[_at] == '"';
        if (quoted)
        {
            return ReadQuoted();
        }

        int start = _at;
        while (_at < text.Length && !EndsField(text[_at]))
        {
            _at++;
        }

        return text[start.._at].TrimEnd();
    }

    private bool EndsField(char c) => c == separator || c is '\n' or '\r';

    private void SkipBlanks()
    {
        while (_at < text.Length && text[_at] is ' ' or '\t' && text[_at] != separator) _at++;
    }

    private string ReadQuoted()
    {
        int openingLine = _line;
        StringBuilder field = new();
        for (_at++; _at < text.Length; _at++)
        {
            if (text[_at] == '"')
            {
                _at++;
                if (_at >= text.Length || text[_at] != '"')
                {
                    CheckFieldEnd();
                    return field.ToString();
                }
            }

            _line += text[_at] == '\n' ? 1 : 0;
            field.Append(text[_at]);
        }

        throw new DataException($"{name}, line {openingLine}: a double quote is never closed.");
    }

    private void CheckFieldEnd()
    {
        SkipBlanks();
        if (_at < text.Length && !EndsField(text[_at]))
        {
            throw new DataException($"{name}, line {_line}: '{text[_at]}' after a closing double quote; double the quotes inside a field.");
        }
    }

    private bool TakeSeparator()
    {
        if (_at < text.Length && text[_at] == separator)
        {
            _at++;
            return true;
        }

        return false;
    }

    private void TakeLineEnd()
    {
        if (_at < text.Length && text[_at] == '\r')
        {
            _at++;
            if (_at >= text.Length || text[_at] != '\n')
            {
                _line++;
                return;
            }
        }

        if (_at < text.Length && text[_at] == '\n')
        {
            _at++;
            _line++;
        }
    }
}
