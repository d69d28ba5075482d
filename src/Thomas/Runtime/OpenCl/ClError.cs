using System.Globalization;

namespace Thomas.Runtime.OpenCl;

/// <summary>Names of the errors of OpenCL, and what they mean for a user.</summary>
internal static class ClError
{
    public const int OutOfMemory = -4, OutOfResources = -5, OutOfHostMemory = -6, BuildFailed = -11, MapFailure = -12, InvalidBufferSize = -61;

    /// <summary>Fails where a function did.</summary>
    /// <param name="status">What it returned.</param>
    /// <param name="device">Name of the device.</param>
    /// <param name="what">What was tried, as the end of "cannot ...".</param>
    /// <exception cref="OpenClException">The status is not success.</exception>
    public static void Check(int status, string device, string what)
    {
        if (status != Cl.Success) throw new OpenClException($"The device '{device}' cannot {what}: {NameOf(status)}.", status);
    }

    /// <summary>Name and number.</summary>
    public static string NameOf(int status)
    {
        string name = status switch
        {
            -1 => "no such device",
            -2 => "the device is not available",
            -3 => "the driver has no compiler",
            OutOfMemory => "its memory is used up",
            OutOfResources => "it has run out of resources, or was reset",
            OutOfHostMemory => "the memory of the host is used up",
            -7 => "profiling is not available",
            BuildFailed => "its compiler refuses the source",
            MapFailure => "the host cannot be given its memory",
            -14 => "work before it failed",
            -36 => "its queue is gone",
            -42 => "the binary is not one of its own",
            -45 => "the program was not built",
            -46 => "there is no such function",
            -52 => "not all arguments are set",
            -54 => "the size of a work-group does not fit",
            -55 => "a work-item has no such size",
            InvalidBufferSize => "it has no buffers of that size",
            -9999 => "the driver reports an invalid access to memory",
            _ => "an error",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{name} (OpenCL status {status})");
    }
}

/// <summary>An OpenCL device failed.</summary>
/// <param name="message">What happened.</param>
/// <param name="status">The status of the function that failed.</param>
internal sealed class OpenClException(string message, int status) : DeviceException(message)
{
    /// <summary>The status of an exception for a device that there is not, or that is of no use.</summary>
    public const int NoDevice = Cl.DeviceNotFound;

    /// <summary>The status of the function that failed.</summary>
    public int Status { get; } = status;

    /// <summary>Whether there is no such device, or it is of no use: then nothing was begun.</summary>
    public bool IsMissing => Status == NoDevice;
}
