using System;
using System.Collections.Generic;

namespace Thomas.Runtime.OpenCl;

/// <summary>The OpenCL devices of this machine.</summary>
/// <param name="Library">The library that was found; empty if there is none.</param>
/// <param name="Problem">Why there are no devices, as a sentence; null if there are some.</param>
/// <param name="Devices">The devices, platform by platform, in the order of their numbers.</param>
internal sealed record OpenClDevices(string Library, string? Problem, IReadOnlyList<OpenClDeviceInfo> Devices)
{
    private static readonly Lazy<int> First = new(() => Prefer(Find().Devices));

    /// <summary>Number of the device that is taken where none is named, found once a process; see <see cref="Prefer"/>.</summary>
    public static int Preferred => First.Value;

    /// <summary>The number of the first GPU that is fit; where there is none, of the first device that is; else 0.</summary>
    /// <param name="devices">The devices in the order of their numbers.</param>
    public static int Prefer(IReadOnlyList<OpenClDeviceInfo> devices)
    {
        int? first = null;
        for (int number = 0; number < devices.Count; number++)
        {
            if (devices[number].Problem is not null) continue;
            if (devices[number].Kind == "gpu") return number;
            first ??= number;
        }

        return first ?? 0;
    }

    /// <summary>Looks for all devices of all platforms. That there are none is no error.</summary>
    public static unsafe OpenClDevices Find()
    {
        ClLibrary library = ClLibrary.Chosen;
        if (library.Problem is not null) return new OpenClDevices("", library.Problem, []);
        try
        {
            List<OpenClDeviceInfo> devices = [];
            List<string> empty = [];
            foreach (nint platform in Platforms())
            {
                string name = NameOf(platform);
                nint[] found = DevicesOf(platform);
                if (found.Length == 0) empty.Add(name);
                foreach (nint device in found) devices.Add(OpenClDeviceInfo.Of(name, device, platform));
            }

            string? problem = devices.Count > 0 ? null : $"{library.Name} has no devices: nothing on {string.Join(", ", empty)}";
            return new OpenClDevices(library.Name, problem, devices);
        }
        catch (EntryPointNotFoundException e)
        {
            return new OpenClDevices(library.Name, $"{library.Name} lacks functions of OpenCL 1.2: {e.Message}", []);
        }
    }

    private static unsafe nint[] Platforms()
    {
        uint count = 0;
        if (Cl.clGetPlatformIDs(0, null, &count) != Cl.Success || count == 0) return [];
        nint[] platforms = new nint[count];
        fixed (nint* first = platforms)
        {
            return Cl.clGetPlatformIDs(count, first, null) == Cl.Success ? platforms : [];
        }
    }

    private static unsafe nint[] DevicesOf(nint platform)
    {
        uint count = 0;
        if (Cl.clGetDeviceIDs(platform, ClDeviceType.All, 0, null, &count) != Cl.Success || count == 0) return [];
        nint[] devices = new nint[count];
        fixed (nint* first = devices)
        {
            return Cl.clGetDeviceIDs(platform, ClDeviceType.All, count, first, null) == Cl.Success ? devices : [];
        }
    }

    private static unsafe string NameOf(nint platform)
    {
        byte[] bytes = new byte[1024];
        fixed (byte* text = bytes)
        {
            return Cl.clGetPlatformInfo(platform, ClPlatformInfo.Name, (nuint)bytes.Length, text, null) == Cl.Success ? OpenClDeviceInfo.Clean(bytes) : "?";
        }
    }
}
