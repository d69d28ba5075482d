using System.Collections.Generic;
using System.Globalization;
using Thomas.Runtime.OpenCl;

namespace Thomas.Runtime;

/// <summary>A device to be timed.</summary>
/// <param name="Name">Its name, as <c>--device</c> takes it.</param>
/// <param name="Description">What it is, with its driver.</param>
/// <param name="Identity">All that its times depend on, beside the work: another text is another device.</param>
/// <param name="Options">Options that compile for it.</param>
/// <param name="CanPair">Whether it works beside the CPU, and not on it, so that steps may be split between both.</param>
internal sealed record DeviceCandidate(string Name, string Description, string Identity, CompileOptions Options, bool CanPair = false)
{
    /// <summary>The CPU, then the OpenCL devices that are fit, in the order of their numbers.</summary>
    /// <param name="options">Threads, settings, folder of programs.</param>
    public static List<DeviceCandidate> All(CompileOptions options)
    {
        CompileOptions cpu = options with { Device = DeviceKind.Cpu, DeviceNumber = null };
        int threads = HostDevice.Of(cpu).Threads;
        string description = string.Create(CultureInfo.InvariantCulture, $"{Machine.Tier}, {threads} {(threads == 1 ? "thread" : "threads")}");
        List<DeviceCandidate> all =
        [
            new(
                "cpu", description,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Machine.Description}, {threads} of {Machine.Processors}, blocks {options.BlockRows} {options.BlockPanelBytes}"), cpu),
        ];
        IReadOnlyList<OpenClDeviceInfo> devices = OpenClDevices.Find().Devices;
        for (int number = 0; number < devices.Count; number++)
        {
            OpenClDeviceInfo info = devices[number];
            if (info.Problem is not null) continue;
            string name = string.Create(CultureInfo.InvariantCulture, $"opencl:{number}");
            string identity = string.Join('/', info.Platform, info.Vendor, info.Name, info.Driver, info.Version, options.DeviceSettings);
            all.Add(
                new DeviceCandidate(
                    name, $"{info.Name}, driver {info.Driver}", $"{name} {identity}",
                    options with { Device = DeviceKind.OpenCl, DeviceNumber = number }, CanPair: info.Kind != "cpu"));
        }

        return all;
    }
}
