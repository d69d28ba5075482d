using System.Globalization;
using Thomas.Runtime;

namespace Thomas.App.Tuning;

/// <summary>Devices by the names that people give: <c>cpu</c>, <c>serial</c>, <c>opencl[:N]</c>, <c>hybrid[:N]</c>.</summary>
internal static class DeviceName
{
    public const string Cpu = "cpu", Serial = "serial", OpenCl = "opencl", Hybrid = "hybrid";

    /// <summary>Reads a name.</summary>
    /// <returns>Whether it is one. Whether there is such a device is another matter.</returns>
    public static bool TryParse(string? text, out DeviceKind kind, out int? number)
    {
        (kind, number) = (DeviceKind.Cpu, null);
        switch (text)
        {
            case Cpu: return true;
            case Serial: kind = DeviceKind.Serial; return true;
            case OpenCl: kind = DeviceKind.OpenCl; return true;
            case Hybrid: kind = DeviceKind.Hybrid; return true;
        }

        string[] parts = text?.Split(':') ?? [];
        if (parts is not [OpenCl or Hybrid, string digits]) return false;
        if (!int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int value)) return false;
        (kind, number) = (parts[0] == OpenCl ? DeviceKind.OpenCl : DeviceKind.Hybrid, value);
        return true;
    }

    /// <summary>The name of a device.</summary>
    public static string Of(CompileOptions options)
    {
        string name = options.Device.ToString().ToLowerInvariant();
        return options.DeviceNumber is int number ? string.Create(CultureInfo.InvariantCulture, $"{name}:{number}") : name;
    }

    /// <summary>Options with another device.</summary>
    public static CompileOptions Apply(string name, CompileOptions options) => TryParse(name, out DeviceKind kind, out int? number)
        ? options with { Device = kind, DeviceNumber = number }
        : throw new ThomasException($"'{name}' is not the name of a device.");
}
