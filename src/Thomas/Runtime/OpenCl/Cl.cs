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

    /// <summary>A boolean.</summary>
    public const uint False = 0, True = 1;

    static Cl() => NativeLibrary.SetDllImportResolver(typeof(Cl).Assembly, static (name, _, _) => name == Library ? ClLibrary.Chosen.Handle : 0);

    [LibraryImport(Library)]
    public static partial int clGetPlatformIDs(uint entries, nint* platforms, uint* count);

    [LibraryImport(Library)]
    public static partial int clGetPlatformInfo(nint platform, ClPlatformInfo what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clGetDeviceIDs(nint platform, ulong type, uint entries, nint* devices, uint* count);

    [LibraryImport(Library)]
    public static partial int clGetDeviceInfo(nint device, ClDeviceInfo what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial nint clCreateContext(nint* properties, uint devices, nint* deviceList, nint notify, nint userData, int* status);

    [LibraryImport(Library)]
    public static partial int clReleaseContext(nint context);

    [LibraryImport(Library)]
    public static partial nint clCreateCommandQueue(nint context, nint device, ulong properties, int* status);

    [LibraryImport(Library)]
    public static partial int clReleaseCommandQueue(nint queue);

    [LibraryImport(Library)]
    public static partial nint clCreateBuffer(nint context, ulong flags, nuint size, void* host, int* status);

    [LibraryImport(Library)]
    public static partial int clReleaseMemObject(nint memory);

    [LibraryImport(Library)]
    public static partial nint clCreateProgramWithSource(nint context, uint count, byte** texts, nuint* lengths, int* status);

    [LibraryImport(Library)]
    public static partial nint clCreateProgramWithBinary(
        nint context, uint devices, nint* deviceList, nuint* lengths, byte** binaries, int* binaryStatus, int* status);

    [LibraryImport(Library)]
    public static partial int clBuildProgram(nint program, uint devices, nint* deviceList, byte* options, nint notify, nint userData);

    [LibraryImport(Library)]
    public static partial int clGetProgramBuildInfo(nint program, nint device, uint what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clGetProgramInfo(nint program, uint what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clReleaseProgram(nint program);

    [LibraryImport(Library)]
    public static partial nint clCreateKernel(nint program, byte* name, int* status);

    [LibraryImport(Library)]
    public static partial int clReleaseKernel(nint kernel);

    [LibraryImport(Library)]
    public static partial int clSetKernelArg(nint kernel, uint index, nuint size, void* value);

    [LibraryImport(Library)]
    public static partial int clGetKernelWorkGroupInfo(nint kernel, nint device, uint what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clEnqueueNDRangeKernel(
        nint queue, nint kernel, uint dimensions, nuint* offset, nuint* global, nuint* local, uint waits, nint* waitList, nint* done);

    [LibraryImport(Library)]
    public static partial int clEnqueueWriteBuffer(
        nint queue, nint memory, uint blocking, nuint offset, nuint size, void* source, uint waits, nint* waitList, nint* done);

    [LibraryImport(Library)]
    public static partial int clEnqueueReadBuffer(
        nint queue, nint memory, uint blocking, nuint offset, nuint size, void* target, uint waits, nint* waitList, nint* done);

    [LibraryImport(Library)]
    public static partial int clEnqueueCopyBuffer(
        nint queue, nint source, nint target, nuint sourceOffset, nuint targetOffset, nuint size, uint waits, nint* waitList, nint* done);

    [LibraryImport(Library)]
    public static partial int clEnqueueFillBuffer(
        nint queue, nint memory, void* pattern, nuint patternSize, nuint offset, nuint size, uint waits, nint* waitList, nint* done);

    [LibraryImport(Library)]
    public static partial void* clEnqueueMapBuffer(
        nint queue, nint memory, uint blocking, ulong flags, nuint offset, nuint size, uint waits, nint* waitList, nint* done, int* status);

    [LibraryImport(Library)]
    public static partial int clEnqueueUnmapMemObject(nint queue, nint memory, void* address, uint waits, nint* waitList, nint* done);

    [LibraryImport(Library)]
    public static partial int clWaitForEvents(uint count, nint* happenings);

    [LibraryImport(Library)]
    public static partial int clFlush(nint queue);

    [LibraryImport(Library)]
    public static partial int clFinish(nint queue);

    [LibraryImport(Library)]
    public static partial int clGetEventInfo(nint happening, uint what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clGetEventProfilingInfo(nint happening, uint what, nuint size, void* value, nuint* sizeNeeded);

    [LibraryImport(Library)]
    public static partial int clReleaseEvent(nint happening);
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
    SingleFpConfig = 0x101B,
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
    NativeVectorWidthFloat = 0x103A,
    OpenClCVersion = 0x103D,
}

/// <summary>Kinds of devices, as bits.</summary>
internal static class ClDeviceType
{
    public const ulong Cpu = 2, Gpu = 4, Accelerator = 8, All = 0xFFFFFFFF;
}

/// <summary>Bits and questions of the other functions.</summary>
internal static class ClConstant
{
    public const ulong QueueProfiling = 2;

    public const ulong RoundsDivideAndSqrt = 128;

    public const ulong MemoryReadWrite = 1, MemoryAllocHost = 16;

    /// <summary>The last one leaves undefined what the host does not write.</summary>
    public const ulong MapRead = 1, MapWrite = 2, MapOverwrite = 4;

    public const uint BuildLog = 0x1183;

    public const uint ProgramBinarySizes = 0x1165, ProgramBinaries = 0x1166;

    public const uint KernelWorkGroup = 0x11B0;

    public const uint EventStatus = 0x11D3, ProfilingStart = 0x1282, ProfilingEnd = 0x1283;

    public const nint ContextPlatform = 0x1084;

    /// <summary>The status of an event whose command has ended.</summary>
    public const int Complete = 0;
}
