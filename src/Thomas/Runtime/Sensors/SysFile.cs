using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Thomas.Runtime;

/// <summary>How reading a file of <c>/sys</c> ended.</summary>
internal enum SysFileState
{
    /// <summary>It was read.</summary>
    Good,

    /// <summary>There is none.</summary>
    Missing,

    /// <summary>It exists, and this process may not read it.</summary>
    Denied,

    /// <summary>The driver failed, or the contents are not what they should be.</summary>
    Damaged,
}

/// <summary>Reads the small files of <c>/sys</c>: one line each, never more than a few bytes, and no exception leaves.</summary>
internal static class SysFile
{
    // A line of a file of /sys that is longer than this is none of those that are read here.
    private const int MostBytes = 128;

    // A folder of /sys that lists more is cut there.
    private const int MostEntries = 512;

    /// <summary>The text of a file, without blanks around it.</summary>
    public static SysFileState ReadText(string path, out string text)
    {
        text = "";
        Span<byte> bytes = stackalloc byte[MostBytes + 1];
        int length = 0;
        try
        {
            // Some entries of /sys are links to folders, and opening a folder is reported as a denial.
            if (Directory.Exists(path)) return SysFileState.Damaged;
            using SafeFileHandle file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            int read;
            while (length < bytes.Length && (read = RandomAccess.Read(file, bytes[length..], length)) > 0) length += read;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return SysFileState.Missing;
        }
        catch (UnauthorizedAccessException)
        {
            return SysFileState.Denied;
        }
        catch (Exception e) when (e is IOException or NotSupportedException or ArgumentException)
        {
            return SysFileState.Damaged;
        }

        if (length is 0 or > MostBytes) return SysFileState.Damaged;
        foreach (byte b in bytes[..length])
        {
            if (b is 0 or >= 127) return SysFileState.Damaged;
        }

        text = Encoding.ASCII.GetString(bytes[..length]).Trim();
        return text.Length > 0 ? SysFileState.Good : SysFileState.Damaged;
    }

    /// <summary>The whole number in a file.</summary>
    public static SysFileState ReadNumber(string path, out long number)
    {
        number = 0;
        SysFileState state = ReadText(path, out string text);
        if (state != SysFileState.Good) return state;
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) ? SysFileState.Good : SysFileState.Damaged;
    }

    /// <summary>The whole number in a file; null where it cannot be read.</summary>
    public static long? Number(string path) => ReadNumber(path, out long number) == SysFileState.Good ? number : null;

    /// <summary>The text in a file; empty where it cannot be read.</summary>
    public static string Text(string path) => ReadText(path, out string text) == SysFileState.Good ? text : "";

    /// <summary>The entries of a folder whose names begin with a word, in the order of the numbers in their names; empty where it cannot be listed.</summary>
    public static List<string> Entries(string folder, string prefix = "")
    {
        List<string> entries = [];
        try
        {
            foreach (string path in Directory.EnumerateFileSystemEntries(folder))
            {
                if (Path.GetFileName(path).StartsWith(prefix, StringComparison.Ordinal)) entries.Add(path);
                if (entries.Count == MostEntries) break;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            // A folder that cannot be listed has no sensors for this process.
        }

        entries.Sort(static (a, b) => a.Length != b.Length ? a.Length.CompareTo(b.Length) : string.CompareOrdinal(a, b));
        return entries;
    }
}
