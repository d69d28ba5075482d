using System;
using System.Collections.Generic;
using Thomas.App.Tuning;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;

namespace Thomas.Studio.Runs;

/// <summary>The devices that runs may be given.</summary>
/// <param name="usual">The device that was asked for when the studio was started.</param>
internal sealed class StudioDevices(CompileOptions usual)
{
    private readonly Lazy<IReadOnlyList<DeviceReply>> _all = new(() => Find(usual));

    /// <summary>All of them, the usual one first.</summary>
    public IReadOnlyList<DeviceReply> All => _all.Value;

    /// <summary>A device that was asked for; the usual one where none was.</summary>
    /// <exception cref="StudioException">It is not listed.</exception>
    public string Check(string? asked)
    {
        foreach (DeviceReply device in All)
        {
            if (asked is null || device.Id == asked) return device.Id;
        }

        throw StudioException.Bad("'device' must be one that 'about' lists.");
    }

    private static List<DeviceReply> Find(CompileOptions usual)
    {
        List<DeviceReply> devices = [new(DeviceName.Cpu, $"CPU, {Machine.Tier}")];
        IReadOnlyList<OpenClDeviceInfo> found = OpenClDevices.Find().Devices;
        for (int i = 0; i < found.Count; i++)
        {
            if (found[i].Problem is null) devices.Add(new DeviceReply(FormattableString.Invariant($"{DeviceName.OpenCl}:{i}"), found[i].Name));
        }

        string own = DeviceName.Of(usual);
        int place = devices.FindIndex(device => device.Id == own);
        DeviceReply first = place >= 0 ? devices[place] : new DeviceReply(own, own);
        if (place >= 0) devices.RemoveAt(place);
        devices.Insert(0, first);
        return devices;
    }
}
