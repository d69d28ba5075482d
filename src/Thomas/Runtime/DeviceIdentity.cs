using System;
using System.Collections.Generic;

namespace Thomas.Runtime;

/// <summary>Tells a person how two devices differ, by the texts that identify them (<see cref="Device.Identity"/>).</summary>
internal static class DeviceIdentity
{
    // What an OpenCL device's text has behind platform, name and driver; the storage stands there only if it is half.
    private const string Details = "/OpenClLimits { ", Half = "/half";

    /// <summary>What only the one has, and what only the other has: their names if these differ, else the details that differ.</summary>
    public static (string There, string Here) Differences(string there, string here)
    {
        (string name, string[] details) = Divide(there);
        (string otherName, string[] otherDetails) = Divide(here);
        return name != otherName ? (name, otherName) : (Only(details, otherDetails), Only(otherDetails, details));
    }

    private static (string Name, string[] Details) Divide(string identity)
    {
        int at = identity.IndexOf(Details, StringComparison.Ordinal);
        if (at < 0) return (identity, []);
        bool isHalf = identity.EndsWith(Half, StringComparison.Ordinal);
        string details = isHalf ? identity[..^Half.Length] : identity;
        details = $"{details[(at + Details.Length)..]}/activations as {(isHalf ? "16-bit floats" : "float32")}";
        return (identity[..at], details.Replace(" }", "", StringComparison.Ordinal).Split([", ", "/"], StringSplitOptions.None));
    }

    private static string Only(string[] own, string[] other)
    {
        List<string> only = [];
        foreach (string detail in own)
        {
            if (Array.IndexOf(other, detail) < 0) only.Add(detail);
        }

        return string.Join(", ", only);
    }
}
