using System;
using System.Globalization;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;

namespace Thomas.Study;

/// <summary>What one cell runs on.</summary>
/// <param name="Name">"serial", "cpu", "opencl:N" or "hybrid:N".</param>
/// <param name="Threads">Threads of the CPU.</param>
/// <param name="Type">How numbers are stored.</param>
/// <param name="Switches">Words.</param>
internal sealed record StudyDevice(string Name, int Threads, string Type, string Switches)
{
    private const string Serial = "serial", Cpu = "cpu", OpenCl = "opencl", Hybrid = "hybrid", Without = "without=";

    /// <summary>Whether only the host's processors compute.</summary>
    public bool IsHost => Name is Serial or Cpu;

    /// <summary>Whether it is the scalar definition.</summary>
    public bool IsSerial => Name == Serial;

    /// <summary>As a part of a cell's identity.</summary>
    public string Key => string.Create(CultureInfo.InvariantCulture, $"{Name}/{Threads}/{Type}/{Switches}");

    /// <summary>Whether there can be a device of that name.</summary>
    public static bool IsKnown(string name) =>
        name is Serial or Cpu or OpenCl or Hybrid
        || (name.Split(':') is [OpenCl or Hybrid, string digits] && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out _));

    /// <summary>The device of a plan, with the number of an OpenCL device and of threads in the place of their defaults.</summary>
    /// <exception cref="ThomasException">There is none, or it cannot do that; the message is the reason.</exception>
    public static StudyDevice Of(string name, int threads, string type, string switches)
    {
        if (name == Serial)
        {
            if (type != StudyExperiment.Float) throw new ThomasException("The serial device computes in float32.");
            if (switches.Length > 0) throw new ThomasException("The serial device has no switches.");
            return new StudyDevice(name, 1, type, switches);
        }

        int count = threads > 0 ? threads : Machine.PerformanceProcessors;
        if (name == Cpu)
        {
            foreach (string word in switches.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (!word.StartsWith(Without, StringComparison.Ordinal)) throw new ThomasException($"'{word}' is for OpenCL devices.");
            }

            return new StudyDevice(name, count, type, switches);
        }

        if (type == StudyExperiment.Int8) throw new ThomasException("OpenCL devices have no integer arithmetic: the CPU would do this work.");
        _ = OpenClSettings.Parse(switches);
        string[] parts = name.Split(':');
        OpenClDevices found = OpenClDevices.Find();
        if (found.Devices.Count == 0) throw new ThomasException($"There is no OpenCL device: {found.Problem ?? "none was found"}");
        int number = parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : OpenClDevices.Preferred;
        if (number >= found.Devices.Count) throw new ThomasException($"There is no OpenCL device {number}.");
        if (found.Devices[number].Problem is string problem) throw new ThomasException(problem);
        return new StudyDevice(string.Create(CultureInfo.InvariantCulture, $"{parts[0]}:{number}"), count, type, switches);
    }

    /// <summary>How to compile for it.</summary>
    /// <param name="cache">Folder of built programs; null for none.</param>
    public CompileOptions Compile(string? cache)
    {
        CompileOptions options = new() { Threads = Threads };
        string[] parts = Name.Split(':');
        if (IsHost)
        {
            string[] passes = [.. Words(Without)];
            return options with { Device = IsSerial ? DeviceKind.Serial : DeviceKind.Cpu, PassesOff = passes };
        }

        return options with
        {
            Device = parts[0] == OpenCl ? DeviceKind.OpenCl : DeviceKind.Hybrid,
            DeviceNumber = int.Parse(parts[1], CultureInfo.InvariantCulture),
            DeviceSettings = Type == StudyExperiment.Half ? $"{Switches} storage=half".TrimStart() : Switches,
            DeviceCache = cache,
        };
    }

    /// <summary>What a report says of the device; null for the host.</summary>
    public ReportDevice? Describe()
    {
        if (IsHost) return null;
        OpenClDeviceInfo info = OpenClDevices.Find().Devices[int.Parse(Name.Split(':')[1], CultureInfo.InvariantCulture)];
        return new ReportDevice($"opencl:{Name.Split(':')[1]}", info.Name, info.Driver, info.Platform);
    }

    private System.Collections.Generic.IEnumerable<string> Words(string start)
    {
        foreach (string word in Switches.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.StartsWith(start, StringComparison.Ordinal)) yield return word[start.Length..];
        }
    }
}
