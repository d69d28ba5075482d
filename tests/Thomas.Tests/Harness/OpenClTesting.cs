using System;
using System.Globalization;
using System.Threading;
using Thomas.Runtime.OpenCl;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>What tests of OpenCL need. Where there is no device they are skipped, but fail under <c>THOMAS_REQUIRE_OPENCL=1</c>, which CI sets.</summary>
internal static class OpenClTesting
{
    private const string Variable = "THOMAS_TEST_OPENCL";

    private static readonly Lazy<OpenClDevices> Found = new(OpenClDevices.Find);

    private static OpenClDevice? simulator;

    /// <summary>Whether a device was asked for, rather than whatever there is.</summary>
    public static bool IsAsked => Environment.GetEnvironmentVariable(Variable) is not null;

    /// <summary>
    /// The device that the tests run on: the first, or what <c>THOMAS_TEST_OPENCL</c> says: a number or a part of a platform's name, and a profile that narrows
    /// it, as in <c>rusticl local=16KiB group=64</c>.
    /// </summary>
    public static OpenClDevice RequireDevice()
    {
        OpenClDevices found = RequireDevices();
        string[] words = (Environment.GetEnvironmentVariable(Variable) ?? "0").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!int.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out int number))
        {
            number = 0;
            while (number < found.Devices.Count && !found.Devices[number].Platform.Contains(words[0], StringComparison.OrdinalIgnoreCase)) number++;
        }

        Expect.True(number < found.Devices.Count, $"THOMAS_TEST_OPENCL asks for {words[0]}, and there are {found.Devices.Count} devices");
        OpenClSettings settings = OpenClSettings.Parse(string.Join(' ', words[1..]));
        return IsSimulator(found.Devices[number])
            ? LazyInitializer.EnsureInitialized(
                ref simulator, () => new OpenClDevice(found.Devices[number], number, settings, new OpenClFaults { ForgetsWrites = true }))
            : OpenClDevice.Open(number, settings);
    }

    /// <summary>
    /// The same device, opened once more: with faults, with other words added to its profile, with a folder of its own, as if another driver or a device of
    /// another kind. It is not self-tested unless the test is of that.
    /// </summary>
    public static OpenClDevice Open(
        OpenClFaults? faults = null, string words = "no-self-test", string? folder = null, string? driver = null, string? kind = null)
    {
        OpenClDevice device = RequireDevice();
        OpenClDeviceInfo info = device.Info with { Driver = driver ?? device.Info.Driver, Kind = kind ?? device.Info.Kind };
        OpenClSettings settings = OpenClSettings.Parse(words, device.Settings) with { BinaryFolder = folder };
        return new OpenClDevice(info, int.Parse(device.Name["opencl:".Length..], CultureInfo.InvariantCulture), settings, faults);
    }

    /// <summary>Whether a device is the simulator, which finds faults and takes a thousand times as long.</summary>
    public static bool IsSimulator(OpenClDevice device) => IsSimulator(device.Info);

    private static bool IsSimulator(OpenClDeviceInfo info) => info.Platform.Contains("oclgrind", StringComparison.OrdinalIgnoreCase);

    /// <summary>The devices of this machine, at least one.</summary>
    public static OpenClDevices RequireDevices()
    {
        OpenClDevices found = Found.Value;
        if (found.Devices.Count > 0) return found;
        if (Environment.GetEnvironmentVariable("THOMAS_REQUIRE_OPENCL") == "1") Assert.Fail($"There must be an OpenCL device here: {found.Problem}");
        Assert.Skip($"OpenCL: {found.Problem}");
        return found;
    }
}
