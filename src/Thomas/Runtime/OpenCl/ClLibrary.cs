using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Finds the OpenCL library of the system. Names come before paths, because Android opens only libraries that the manufacturer lists, and those by their bare
/// names. A library that loads but has no platform, such as a loader without a driver, gives way to the next candidate.
/// </summary>
/// <param name="Handle">The loaded library; 0 if there is none.</param>
/// <param name="Name">Its name or path; empty if there is none.</param>
/// <param name="Problem">Why there is none, as a sentence; null if there is one.</param>
internal sealed record ClLibrary(nint Handle, string Name, string? Problem)
{
    /// <summary>Environment variable: the name or path of the only library to try, or <c>none</c> for no OpenCL at all.</summary>
    public const string Override = "THOMAS_OPENCL";

    private const string Off = "none", FirstFunction = nameof(Cl.clGetPlatformIDs);

#pragma warning disable RS0030 // which driver is loaded is a matter of the machine, not of the program
    private static readonly Lazy<ClLibrary> Found = new(static () => Find(Environment.GetEnvironmentVariable(Override)));
#pragma warning restore RS0030

    /// <summary>The library that this process uses.</summary>
    public static ClLibrary Chosen => Found.Value;

    /// <summary>Looks for the library.</summary>
    /// <param name="only">Name or path of the only one to try, or <c>none</c>; null or empty for those that systems are known to have.</param>
    public static ClLibrary Find(string? only)
    {
        if (only == Off) return new ClLibrary(0, "", $"switched off by {Override}={Off}");
        if (Build.IsStatic) return new ClLibrary(0, "", Build.NoLibraries);
        return string.IsNullOrEmpty(only) ? Find(Candidates()) : Find([only]);
    }

    /// <summary>Takes the first library that has a platform.</summary>
    internal static ClLibrary Find(IReadOnlyList<string> candidates)
    {
        List<string> unfit = [];
        foreach (string name in candidates)
        {
            if (!NativeLibrary.TryLoad(name, typeof(Cl).Assembly, null, out nint handle)) continue;
            string? problem = Unfit(handle);
            if (problem is null) return new ClLibrary(handle, name, null);
            unfit.Add($"{name} {problem}");
            NativeLibrary.Free(handle);
        }

        return new ClLibrary(0, "", unfit.Count > 0 ? string.Join("; ", unfit) : $"there is no OpenCL library; tried {string.Join(", ", candidates)}");
    }

    /// <summary>What is wrong with a library; null if it has a platform.</summary>
    private static unsafe string? Unfit(nint handle)
    {
        if (!NativeLibrary.TryGetExport(handle, FirstFunction, out nint function)) return "is no OpenCL library";
        uint count = 0;
        int status = ((delegate* unmanaged<uint, nint*, uint*, int>)function)(0, null, &count);
        if (status == Cl.Success && count > 0) return null;
        return status is Cl.Success or Cl.PlatformNotFound
            ? "has no platform: no driver is installed for it"
            : $"gives error {status} when it is asked for its platforms";
    }

    private static string[] Candidates()
    {
        if (OperatingSystem.IsWindows()) return ["OpenCL.dll"];
        if (OperatingSystem.IsMacOS()) return ["/System/Library/Frameworks/OpenCL.framework/OpenCL"];
        string lib = nint.Size == 8 ? "lib64" : "lib";
        string[] vendors =
        [
            "libOpenCL.so", "libGLES_mali.so", "libmali.so", "libOpenCL-pixel.so", "libOpenCL-car.so", "libPVROCL.so",
            $"/vendor/{lib}/libOpenCL.so", $"/system/vendor/{lib}/libOpenCL.so", $"/system/{lib}/libOpenCL.so", $"/system/vendor/{lib}/egl/libGLES_mali.so",
            $"/system/{lib}/egl/libGLES_mali.so", $"/system/vendor/{lib}/libPVROCL.so",
        ];
        return OperatingSystem.IsAndroid() ? vendors : ["libOpenCL.so.1", .. vendors];
    }
}
