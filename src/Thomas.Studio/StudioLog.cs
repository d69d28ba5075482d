using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Threading;

namespace Thomas.Studio;

/// <summary>The last lines of what the program did, for people who report a problem. Nothing of it leaves the device.</summary>
internal sealed class StudioLog
{
    private const int MostLines = 500, MostCharacters = 2_000;

    private readonly Lock _gate = new();
    private readonly Queue<string> _lines = new();

    /// <summary>Adds a line, with the time.</summary>
    public void Add(string text)
    {
        string visible = VisibleText.Of(text);
        if (visible.Length > MostCharacters) visible = visible[..MostCharacters];
        string line = $"{DateTimeOffset.Now.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture)} {visible}";
        lock (_gate)
        {
            _lines.Enqueue(line);
            if (_lines.Count > MostLines) _lines.Dequeue();
        }
    }

    /// <summary>All lines that are kept.</summary>
    public string ToText()
    {
        StringBuilder text = new();
        lock (_gate)
        {
            foreach (string line in _lines) text.Append(line).Append('\n');
        }

        return text.ToString();
    }
}
