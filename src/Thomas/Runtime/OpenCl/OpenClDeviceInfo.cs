using System;
using System.Collections.Generic;
using System.Text;

namespace Thomas.Runtime.OpenCl;

/// <summary>What an OpenCL device says of itself.</summary>
internal sealed record OpenClDeviceInfo
{
    /// <summary>The least version of OpenCL C that kernels are written in.</summary>
    public static Version LeastLanguage { get; } = new(1, 2);

    /// <summary>Handle of its platform; 0 for one that does not exist.</summary>
    internal nint PlatformHandle { get; init; }

    /// <summary>Its handle.</summary>
    internal nint Handle { get; init; }

    /// <summary>Name of its platform.</summary>
    public required string Platform { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Who made it.</summary>
    public required string Vendor { get; init; }

    /// <summary>Version of its driver.</summary>
    public required string Driver { get; init; }

    /// <summary>Version of OpenCL, as the driver words it.</summary>
    public required string Version { get; init; }

    /// <summary>Version of OpenCL C that its compiler takes; null if what the driver says is no version.</summary>
    public required Version? Language { get; init; }

    /// <summary><c>gpu</c>, <c>cpu</c> or <c>accelerator</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Compute units.</summary>
    public required int ComputeUnits { get; init; }

    /// <summary>Floats of a vector register of its processor; 1 where there is none.</summary>
    public int VectorWidth { get; init; } = 1;

    /// <summary>Highest clock in MHz; 0 if the driver does not say.</summary>
    public required int Megahertz { get; init; }

    /// <summary>Bytes of its memory.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Bytes of the largest buffer.</summary>
    public required long LargestBuffer { get; init; }

    /// <summary>Bytes of local memory of a work-group.</summary>
    public required long LocalBytes { get; init; }

    /// <summary>Most work-items of a work-group.</summary>
    public required long WorkGroup { get; init; }

    /// <summary>Bytes that the addresses of sub-buffers are multiples of.</summary>
    public required int Alignment { get; init; }

    /// <summary>Whether it shares its memory with the host.</summary>
    public required bool IsUnified { get; init; }

    /// <summary>Whether its compiler can be told to round quotients and square roots correctly.</summary>
    internal bool RoundsQuotients { get; init; }

    /// <summary>Extensions beyond its version.</summary>
    public required IReadOnlyList<string> Extensions { get; init; }

    /// <summary>Whether its compiler, byte order and language allow kernels to run at all; else why not, as a sentence.</summary>
    public required string? Problem { get; init; }

    /// <summary>Whether it computes with 16-bit floats.</summary>
    public bool HasHalf => Has("cl_khr_fp16");

    /// <summary>Whether it has subgroups as an extension.</summary>
    public bool HasSubgroups => Has("cl_khr_subgroups") || Has("cl_intel_subgroups");

    /// <summary>Whether it has an extension.</summary>
    public bool Has(string extension)
    {
        foreach (string name in Extensions)
        {
            if (name == extension) return true;
        }

        return false;
    }

    /// <summary>The version in a text such as <c>OpenCL C 1.2 pocl</c>; null if there is none.</summary>
    internal static Version? ParseLanguage(string text)
    {
        const string Prefix = "OpenCL C ";
        if (!text.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        int end = Prefix.Length;
        while (end < text.Length && (char.IsAsciiDigit(text[end]) || text[end] == '.')) end++;
        return System.Version.TryParse(text.AsSpan(Prefix.Length, end - Prefix.Length), out Version? version) ? version : null;
    }

    /// <summary>Asks a device.</summary>
    /// <param name="platform">Name of its platform.</param>
    /// <param name="device">Its handle.</param>
    /// <param name="platformHandle">Handle of its platform.</param>
    internal static OpenClDeviceInfo Of(string platform, nint device, nint platformHandle)
    {
        string language = Text(device, ClDeviceInfo.OpenClCVersion);
        ulong type = Number(device, ClDeviceInfo.Type);
        Version? version = ParseLanguage(language);
        return new OpenClDeviceInfo
        {
            PlatformHandle = platformHandle,
            Handle = device,
            Platform = platform,
            Name = Text(device, ClDeviceInfo.Name),
            Vendor = Text(device, ClDeviceInfo.Vendor),
            Driver = Text(device, ClDeviceInfo.DriverVersion),
            Version = Text(device, ClDeviceInfo.Version),
            Language = version,
            Kind = (type & ClDeviceType.Gpu) != 0 ? "gpu" : (type & ClDeviceType.Cpu) != 0 ? "cpu" : "accelerator",
            ComputeUnits = (int)Number(device, ClDeviceInfo.MaxComputeUnits),
            VectorWidth = (int)Math.Clamp(Number(device, ClDeviceInfo.NativeVectorWidthFloat), 1, 16),
            Megahertz = (int)Number(device, ClDeviceInfo.MaxClockFrequency),
            MemoryBytes = (long)Number(device, ClDeviceInfo.GlobalMemSize),
            LargestBuffer = (long)Number(device, ClDeviceInfo.MaxMemAllocSize),
            LocalBytes = (long)Number(device, ClDeviceInfo.LocalMemSize),
            WorkGroup = (long)Number(device, ClDeviceInfo.MaxWorkGroupSize),
            Alignment = (int)(Number(device, ClDeviceInfo.MemBaseAddrAlign) / 8),
            IsUnified = Number(device, ClDeviceInfo.HostUnifiedMemory) != 0,
            RoundsQuotients = (Number(device, ClDeviceInfo.SingleFpConfig) & ClConstant.RoundsDivideAndSqrt) != 0,
            Extensions = Text(device, ClDeviceInfo.Extensions).Split(' ', StringSplitOptions.RemoveEmptyEntries),
            Problem = ProblemOf(device, version, language),
        };
    }

    private static string? ProblemOf(nint device, Version? version, string language)
    {
        if (Number(device, ClDeviceInfo.Available) == 0) return "the driver says that it is not available";
        if (Number(device, ClDeviceInfo.CompilerAvailable) == 0) return "its driver has no compiler";
        if (Number(device, ClDeviceInfo.EndianLittle) == 0) return "its bytes are in another order than the host's";
        return version is null || version < LeastLanguage ? $"it takes '{language}', and OpenCL C {LeastLanguage} is needed" : null;
    }

    /// <summary>A number of whatever size the device gives; 0 where it gives none.</summary>
    private static unsafe ulong Number(nint device, ClDeviceInfo what)
    {
        ulong value = 0;
        nuint size = 0;
        return Cl.clGetDeviceInfo(device, what, sizeof(ulong), &value, &size) != Cl.Success ? 0 : size == sizeof(uint) ? (uint)value : value;
    }

    private static unsafe string Text(nint device, ClDeviceInfo what)
    {
        nuint size = 0;
        if (Cl.clGetDeviceInfo(device, what, 0, null, &size) != Cl.Success || size == 0 || size > MostText) return "";
        byte[] bytes = new byte[(int)size];
        fixed (byte* target = bytes)
        {
            return Cl.clGetDeviceInfo(device, what, size, target, null) == Cl.Success ? Clean(bytes) : "";
        }
    }

    // A driver's text is not to be trusted: it is shown on terminals.
    private const int MostText = 1 << 16;

    /// <summary>What stands before the closing zero, with everything that would not be seen made visible.</summary>
    internal static string Clean(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)0);
        return VisibleText.Of(Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]).Trim());
    }
}
