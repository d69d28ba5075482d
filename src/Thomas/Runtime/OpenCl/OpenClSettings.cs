using System;
using System.Globalization;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>How an OpenCL device is used. The defaults are what is best; the others exist to compare, to imitate smaller devices, and to find faults.</summary>
internal sealed record OpenClSettings
{
    /// <summary>Local memory of a group, where that is less than the device has; null for what it has.</summary>
    public long? LocalBytes { get; init; }

    /// <summary>Most work-items of a group, where that is less than the device allows; null for what it allows.</summary>
    public int? WorkGroup { get; init; }

    /// <summary>Units that compute at the same time; null for as many as the device has.</summary>
    public int? ComputeUnits { get; init; }

    /// <summary>Bytes of the largest buffer, where that is less than the device allows; null for what it allows.</summary>
    public long? LargestBuffer { get; init; }

    /// <summary>Folder where built programs are kept; null to build them in each process.</summary>
    public string? BinaryFolder { get; init; }

    /// <summary>Family of matrix kernels; null for what suits the device.</summary>
    public TileFamily? Family { get; init; }

    /// <summary>How much time goes into finding the fastest matrix kernels.</summary>
    public TuneMode Tune { get; init; }

    /// <summary>Whether the compiler may take sums in another order and assume that all numbers are finite.</summary>
    public bool FastMath { get; init; }

    /// <summary>Whether each launch is waited for.</summary>
    public bool Blocking { get; init; }

    /// <summary>Whether launches are timed by the device.</summary>
    public bool Profiling { get; init; }

    /// <summary>The options of the compiler.</summary>
    public string CompilerOptions => FastMath ? "-cl-std=CL1.2 -cl-fast-relaxed-math" : "-cl-std=CL1.2 -cl-mad-enable";

    /// <summary>
    /// Reads settings: words such as <c>local=16KiB</c>, <c>group=64</c>, <c>units=132</c>, <c>buffer=64MiB</c>, <c>tiles=registers</c>, <c>tune=fast</c>, <c>fast-math</c>,
    /// <c>blocking</c>, <c>profiling</c>, between blanks.
    /// </summary>
    /// <param name="text">The words; empty for the defaults.</param>
    /// <exception cref="ThomasException">A word is not one of them.</exception>
    public static OpenClSettings Parse(string text)
    {
        OpenClSettings settings = new();
        foreach (string word in text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)) settings = settings.With(word);
        return settings;
    }

    private OpenClSettings With(string word)
    {
        string[] parts = word.Split('=', 2);
        string value = parts.Length > 1 ? parts[1] : "";
        switch (parts[0])
        {
            case "local" when ByteSize.TryParse(value, out long bytes) && bytes >= 0: return this with { LocalBytes = bytes };
            case "buffer" when ByteSize.TryParse(value, out long bytes) && bytes > 0: return this with { LargestBuffer = bytes };
            case "group" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int items) && items > 0:
                return this with { WorkGroup = items };
            case "units" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int units) && units > 0:
                return this with { ComputeUnits = units };
            case "tiles" when Enum.TryParse(value, ignoreCase: true, out TileFamily family) && Enum.IsDefined(family) && !char.IsAsciiDigit(value[0]):
                return this with { Family = family };
            case "tune" when Enum.TryParse(value, ignoreCase: true, out TuneMode mode) && Enum.IsDefined(mode) && !char.IsAsciiDigit(value[0]):
                return this with { Tune = mode };
            case "fast-math" when value.Length == 0: return this with { FastMath = true };
            case "blocking" when value.Length == 0: return this with { Blocking = true };
            case "profiling" when value.Length == 0: return this with { Profiling = true };
            default:
                throw new ThomasException(
                    $"'{word}' is no setting of OpenCL. There are local=BYTES, buffer=BYTES, group=ITEMS, units=COUNT, tiles=registers|local|items, tune=off|fast|full, "
                    + "fast-math, blocking, profiling.");
        }
    }
}
