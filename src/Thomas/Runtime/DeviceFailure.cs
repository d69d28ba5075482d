using System;
using Thomas.Runtime.OpenCl;

namespace Thomas.Runtime;

/// <summary>What is done where a device fails, is reset or has too little memory: the same on the CPU.</summary>
internal static class DeviceFailure
{
    /// <summary>Whether options ask for a device that may fail while the host goes on.</summary>
    public static bool IsPossible(CompileOptions options) =>
        options.OtherDevice is Device other ? other is not HostDevice : options.Device is not (DeviceKind.Cpu or DeviceKind.Serial);

    /// <summary>
    /// Whether an exception is a failure of the device that options ask for. That there is no such device is none: there it is the request that fails.
    /// </summary>
    public static bool IsOne(Exception e, CompileOptions options) =>
        IsPossible(options) && (e is NotEnoughMemoryException || (e is DeviceException && e is not OpenClException { IsMissing: true }));

    /// <summary>What a user is told where images are computed by the CPU because the device has failed.</summary>
    public static string Describe(Exception e) => $"the device failed, and the CPU computed instead from there on: {e.Message}";

    /// <summary>The same options for the CPU.</summary>
    public static CompileOptions OnHost(CompileOptions options) => options with { Device = DeviceKind.Cpu, DeviceNumber = null, OtherDevice = null };
}
