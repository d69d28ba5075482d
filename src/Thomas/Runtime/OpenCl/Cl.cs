using System;
using System.Runtime.InteropServices;

namespace Thomas.Runtime.OpenCl;

/// <summary>The functions of OpenCL 1.2 that are used, with their own names and parameters (Khronos, OpenCL 1.2 specification, revision 19).</summary>
/// <remarks>
/// They are found in the library that <see cref="ClLibrary"/> chose; calling one where there is none is a <see cref="DllNotFoundException"/>.
/// </remarks>
internal static unsafe partial class Cl
{
    /// <summary>The name that <see cref="ClLibrary"/> answers to.</summary>
    public const string Library = "OpenCL";

    public const int Success = 0, DeviceNotFound = -1, PlatformNotFound = -1001;

    static Cl() => NativeLibrary.SetDllImportResolver(typeof(Cl).Assembly, static (name, _, _) => name == Library ? ClLibrary.Chosen.Handle : 0);

    [LibraryImport(Library)]
    public static partial int clGetPlatformIDs(uint entries, nint* platforms, uint* count);

    [LibraryImport(Library)]
    public static partial int clGetPlatformInfo(nint platform, ClPlatformInfo what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clGetDeviceIDs(nint platform, ulong type, uint entries, nint* devices, uint* count);

    [LibraryImport(Library)]
    public static partial int clGetDeviceInfo(nint device, ClDeviceInfo what, nuint size, void* value, nuint* sizeNeeded);
}

/// <summary>What <see cref="Cl.clGetPlatformInfo"/> is asked for.</summary>
internal enum ClPlatformInfo : uint
{
    Version = 0x0901,
    Name = 0x0902,
}

/// <summary>What <see cref="Cl.clGetDeviceInfo"/> is asked for.</summary>
internal enum ClDeviceInfo : uint
{
    Type = 0x1000,
    MaxComputeUnits = 0x1002,
    MaxWorkGroupSize = 0x1004,
    MaxClockFrequency = 0x100C,
    MaxMemAllocSize = 0x1010,
    MemBaseAddrAlign = 0x1019,
    GlobalMemSize = 0x101F,
    LocalMemSize = 0x1023,
    EndianLittle = 0x1026,
    Available = 0x1027,
    CompilerAvailable = 0x1028,
    Name = 0x102B,
    Vendor = 0x102C,
    DriverVersion = 0x102D,
    Version = 0x102F,
    Extensions = 0x1030,
    HostUnifiedMemory = 0x1035,
    OpenClCVersion = 0x103D,
}

/// <summary>Kinds of devices, as bits.</summary>
internal static class ClDeviceType
{
    public const ulong Cpu = 2, Gpu = 4, Accelerator = 8, All = 0xFFFFFFFF;
}
