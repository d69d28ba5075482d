using System;
using System.Globalization;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>How an OpenCL device is used. The defaults are what is best; the others exist to compare, to imitate smaller devices, and to find faults.</summary>
internal sealed record OpenClSettings
{
    private const int MostSlow = 1000, MostMilliseconds = 1_000_000;

    /// <summary>Environment variable: words that narrow every OpenCL device of every run, as <see cref="Parse"/> takes them.</summary>
    public const string Variable = "THOMAS_OPENCL_SETTINGS";

#pragma warning disable RS0030 // that a device is to imitate another is a matter of the machine, not of the program
    private static readonly Lazy<string> FromEnvironment = new(static () => Environment.GetEnvironmentVariable(Variable) ?? "");
#pragma warning restore RS0030

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

    /// <summary>Whether built programs and results of the self-test are kept where there is a folder for them.</summary>
    public bool KeepsBinaries { get; init; } = true;

    /// <summary>Whether programs are built one at a time, for drivers whose compiler does not bear more.</summary>
    public bool BuildsOneByOne { get; init; }

    /// <summary>Whether programs are tried out before they are relied on.</summary>
    public bool SelfTest { get; init; } = true;

    /// <summary>When inputs of a graph go to the device; null for what suits it, and for large inputs alone.</summary>
    public UploadTime? Upload { get; init; }

    /// <summary>How inputs and results pass between host and device; null for what suits it, and for large inputs alone.</summary>
    public TransferWay? Transfer { get; init; }

    /// <summary>How values of the forward pass lie in memory.</summary>
    public OpenClStorage Storage { get; init; }

    /// <summary>
    /// How often each kernel runs: 1 is once. More make the device slower by about as much and change no result: kernels that write over what they read, such
    /// as updates, run once all the same.
    /// </summary>
    public int Slow { get; init; } = 1;

    /// <summary>Whether nothing is fused: bias, residual, activation and updates are launches of their own.</summary>
    public bool Separate { get; init; }

    /// <summary>Whether convolutions sum the statistics for the batch normalization that follows them.</summary>
    public bool FusesMoments { get; init; } = true;

    /// <summary>Whether inverted residuals of inference are one launch each.</summary>
    public bool FusesBlocks { get; init; }

    /// <summary>Whether groups lie along one axis where their shape is a matter of choice.</summary>
    public bool FlatGroups { get; init; }

    /// <summary>Whether nothing is read or written as a vector.</summary>
    public bool Scalar { get; init; }

    /// <summary>Whether products add up some terms in 16 bits where the device can and results are stored so.</summary>
    public bool HalfSums { get; init; }

    /// <summary>Where convolutions are computed by Winograd's algorithm; null for what suits the device.</summary>
    public WinogradUse? Winograd { get; init; }

    /// <summary>
    /// A launch that is predicted to take longer becomes several, so that the device can draw between; 0 for never, null for what suits the device.
    /// </summary>
    public double? LaunchMilliseconds { get; init; }

    /// <summary>
    /// The options of a device's compiler. Quotients and roots are rounded as IEEE 754 says where the device can: OpenCL alone promises 2.5 ulp.
    /// </summary>
    public string CompilerOptions(OpenClDeviceInfo info)
    {
        string rounding = info.RoundsQuotients ? " -cl-fp32-correctly-rounded-divide-sqrt" : "";
        return $"-cl-std=CL1.2 {(FastMath ? "-cl-fast-relaxed-math" : $"-cl-mad-enable{rounding}")}{(Scalar ? " -D WIDE=1" : "")}";
    }

    /// <summary>The settings that options ask for, over those of the environment variable.</summary>
    /// <exception cref="ThomasException">A word is not one of them; the message says where it stands.</exception>
    public static OpenClSettings Of(CompileOptions options) => Of(FromEnvironment.Value, options.DeviceSettings, options.DeviceCache);

    /// <summary>The settings of some words, over those of the environment variable's.</summary>
    /// <param name="environment">The variable's contents; empty for none.</param>
    /// <param name="text">The words; empty for the defaults.</param>
    /// <param name="folder">Folder of built programs; null for none.</param>
    internal static OpenClSettings Of(string environment, string text, string? folder)
    {
        OpenClSettings common;
        try
        {
            common = Parse(environment);
        }
        catch (ThomasException e)
        {
            throw new ThomasException($"The environment variable {Variable}: {e.Message}", e);
        }

        OpenClSettings settings = Parse(text, common);
        return settings with { BinaryFolder = settings.KeepsBinaries ? folder : null };
    }

    /// <summary>
    /// Reads settings: words such as <c>local=16KiB</c>, <c>group=64</c>, <c>units=132</c>, <c>buffer=64MiB</c>, <c>tiles=registers</c>, <c>tune=fast</c>,
    /// <c>storage=half</c>, <c>arithmetic=half</c>, <c>slow=4</c>, <c>launch=20</c>, <c>upload=ahead</c>, <c>transfer=map</c>, <c>groups=1d</c>,
    /// <c>winograd=off</c>, <c>moments=apart</c>, <c>blocks=fused</c>, <c>separate</c>, <c>scalar</c>, <c>fast-math</c>, <c>blocking</c>, <c>profiling</c>,
    /// <c>no-binaries</c>, <c>one-by-one</c>, <c>no-self-test</c>, between blanks. A later word goes before an earlier one.
    /// </summary>
    /// <param name="text">The words; empty for the defaults.</param>
    /// <param name="from">The settings that they change; null for the defaults.</param>
    /// <exception cref="ThomasException">A word is not one of them.</exception>
    public static OpenClSettings Parse(string text, OpenClSettings? from = null)
    {
        OpenClSettings settings = from ?? new();
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
            case "slow" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int times) && times is > 0 and <= MostSlow:
                return this with { Slow = times };
            case "launch" when double.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double most)
                && most <= MostMilliseconds:
                return this with { LaunchMilliseconds = most };
            case "tiles" when Enum.TryParse(value, ignoreCase: true, out TileFamily family) && Enum.IsDefined(family) && !char.IsAsciiDigit(value[0]):
                return this with { Family = family };
            case "tune" when Enum.TryParse(value, ignoreCase: true, out TuneMode mode) && Enum.IsDefined(mode) && !char.IsAsciiDigit(value[0]):
                return this with { Tune = mode };
            case "upload" when Enum.TryParse(value, ignoreCase: true, out UploadTime time) && Enum.IsDefined(time) && !char.IsAsciiDigit(value[0]):
                return this with { Upload = time };
            case "transfer" when Enum.TryParse(value, ignoreCase: true, out TransferWay way) && Enum.IsDefined(way) && !char.IsAsciiDigit(value[0]):
                return this with { Transfer = way };
            case "storage" when Enum.TryParse(value, ignoreCase: true, out OpenClStorage storage) && Enum.IsDefined(storage) && !char.IsAsciiDigit(value[0]):
                return this with { Storage = storage };
            case "groups" when value is "1d" or "2d": return this with { FlatGroups = value == "1d" };
            case "arithmetic" when value is "float" or "half": return this with { HalfSums = value == "half" };
            case "winograd" when value is "on" or "off": return this with { Winograd = value == "on" ? WinogradUse.Always : WinogradUse.Never };
            case "moments" when value is "fused" or "apart": return this with { FusesMoments = value == "fused" };
            case "blocks" when value is "fused" or "apart": return this with { FusesBlocks = value == "fused" };
            case "separate" when value.Length == 0: return this with { Separate = true };
            case "scalar" when value.Length == 0: return this with { Scalar = true };
            case "fast-math" when value.Length == 0: return this with { FastMath = true };
            case "blocking" when value.Length == 0: return this with { Blocking = true };
            case "profiling" when value.Length == 0: return this with { Profiling = true };
            case "no-binaries" when value.Length == 0: return this with { KeepsBinaries = false };
            case "one-by-one" when value.Length == 0: return this with { BuildsOneByOne = true };
            case "no-self-test" when value.Length == 0: return this with { SelfTest = false };
            default:
                throw new ThomasException(
                    $"'{VisibleText.Of(word)}' is no setting of OpenCL. There are local=BYTES, buffer=BYTES, group=ITEMS, units=COUNT, "
                    + "tiles=registers|local|items, tune=off|fast|full, storage=float|half, arithmetic=float|half, slow=TIMES, launch=MILLISECONDS, "
                    + "upload=ahead|inline, transfer=copy|map, groups=1d|2d, winograd=on|off, moments=fused|apart, blocks=fused|apart, separate, scalar, "
                    + "fast-math, blocking, profiling, no-binaries, one-by-one, no-self-test.");
        }
    }
}

/// <summary>When an input of a graph goes to the device.</summary>
internal enum UploadTime
{
    /// <summary>In its turn in the device's queue: after the work before it, and before the work that reads it.</summary>
    Inline,

    /// <summary>While the work before it is computed, into memory of its own, from which the device copies it in its turn.</summary>
    Ahead,
}

/// <summary>How bytes pass between the host and a device.</summary>
internal enum TransferWay
{
    /// <summary>The driver copies them.</summary>
    Copy,

    /// <summary>The host writes and reads the device's memory where it lies.</summary>
    Map,
}
