using System;
using System.Diagnostics;
using System.IO;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Cli;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

public sealed class OpenClDiscoveryTests
{
    [Fact]
    public void A_system_without_the_library_is_told_what_was_tried()
    {
        ClLibrary library = ClLibrary.Find(["libno-such-thing.so", "/no/such/thing.so"]);
        Assert.Equal((0, ""), (library.Handle, library.Name));
        Assert.Equal("there is no OpenCL library; tried libno-such-thing.so, /no/such/thing.so", library.Problem);
    }

    [Fact]
    public void It_can_be_switched_off()
    {
        Assert.Equal("switched off by THOMAS_OPENCL=none", ClLibrary.Find("none").Problem);
        Assert.Contains("tried /no/such/thing.so", ClLibrary.Find("/no/such/thing.so").Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_that_is_not_of_OpenCL_gives_way_to_the_next()
    {
        string other = OperatingSystem.IsWindows() ? "kernel32.dll" : OperatingSystem.IsMacOS() ? "/usr/lib/libSystem.dylib" : "libm.so.6";
        Assert.Equal($"{other} is no OpenCL library", ClLibrary.Find([other]).Problem);
        OpenClTesting.RequireDevices();
        ClLibrary library = ClLibrary.Find([other, ClLibrary.Chosen.Name]);
        Assert.Equal((ClLibrary.Chosen.Name, null), (library.Name, library.Problem));
    }

    [Fact]
    public void Devices_say_what_they_are()
    {
        OpenClDevices found = OpenClTesting.RequireDevices();
        Assert.Null(found.Problem);
        Assert.NotEqual("", found.Library);
        foreach (OpenClDeviceInfo device in found.Devices)
        {
            Assert.All((string[])[device.Platform, device.Name, device.Driver, device.Version], text => Assert.NotEqual("", text));
            Assert.Contains(device.Kind, (string[])["gpu", "cpu", "accelerator"]);
            Assert.True(device.ComputeUnits > 0 && device.WorkGroup > 0 && device.MemoryBytes > 0 && device.LargestBuffer > 0, device.ToString());
            Assert.True(device.LocalBytes >= 16 << 10, device.ToString());
            Assert.True(device.Alignment > 0 && device.Alignment % 4 == 0, device.ToString());
            if (device.Problem is null) Assert.True(device.Language >= OpenClDeviceInfo.LeastLanguage, device.ToString());
        }
    }

    [Theory]
    [InlineData("cpu", 0)]
    [InlineData("cpu gpu gpu", 1)]
    [InlineData("accelerator cpu", 0)]
    [InlineData("cpu! accelerator cpu", 1)]
    [InlineData("cpu gpu! gpu", 2)]
    [InlineData("cpu gpu!", 0)]
    [InlineData("gpu! cpu!", 0)]
    public void The_first_GPU_that_is_fit_is_preferred(string kinds, int expected)
    {
        OpenClDeviceInfo one = OpenClTesting.RequireDevices().Devices[0];
        Assert.Equal(
            expected,
            OpenClDevices.Prefer(Array.ConvertAll(kinds.Split(' '),
                kind => one with { Kind = kind.TrimEnd('!'), Problem = kind.EndsWith('!') ? "no" : null })));
    }

    [Theory]
    [InlineData("OpenCL C 1.2 pocl", "1.2")]
    [InlineData("OpenCL C 3.0", "3.0")]
    [InlineData("OpenCL C 2.0 Adreno(TM) 640", "2.0")]
    [InlineData("OpenCL C 1.2", "1.2")]
    [InlineData("OpenCL C ", null)]
    [InlineData("OpenCL C x", null)]
    [InlineData("OpenCL 1.2", null)]
    [InlineData("", null)]
    public void The_version_of_the_language_is_read(string text, string? expected) =>
        Assert.Equal(expected is null ? null : Version.Parse(expected), OpenClDeviceInfo.ParseLanguage(text));

    [Theory]
    [InlineData("GPU \0 rest", "GPU")]
    [InlineData("  GPU\t", "GPU")]
    [InlineData("no end", "no end")]
    public void What_drivers_call_things_ends_at_the_zero(string bytes, string expected) =>
        Assert.Equal(expected, OpenClDeviceInfo.Clean(Encoding.UTF8.GetBytes(bytes)));

    [Fact]
    public void What_drivers_call_things_cannot_steer_a_terminal() => Assert.DoesNotContain('\u001b', OpenClDeviceInfo.Clean("GPU\u001b[2J"u8));

    [Fact]
    public void The_command_line_lists_them()
    {
        OpenClDevices found = OpenClDevices.Find();
        JsonElement listed = CliRun.Of("devices", "--json").Json().GetProperty("openCl");
        Assert.Equal(found.Devices.Count, listed.GetProperty("devices").GetArrayLength());
        Assert.Equal(found.Problem is not null, listed.TryGetProperty("problem", out _));
        for (int i = 0; i < found.Devices.Count; i++)
        {
            JsonElement device = listed.GetProperty("devices")[i];
            Assert.Equal(i, device.GetProperty("number").GetInt32());
            Assert.Equal(found.Devices[i].Name, device.GetProperty("name").GetString());
            Assert.Equal(found.Devices[i].LocalBytes, device.GetProperty("localBytes").GetInt64());
        }

        string text = CliRun.Of("devices").Out;
        foreach (OpenClDeviceInfo device in found.Devices) Assert.Contains(device.Name, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("THOMAS_OPENCL", "none", "switched off")]
    [InlineData("OCL_ICD_VENDORS", "empty", "has no platform")]
    public async Task Without_a_driver_a_reason_is_given_and_nothing_fails(string variable, string value, string expected)
    {
        OpenClTesting.RequireDevices();
        if (value == "empty" && !OperatingSystem.IsLinux()) Assert.Skip("the variable is that of the loader of Linux");
        using TemporaryFolder folder = new();
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "Thomas.Cli.exe" : "Thomas.Cli");
        ProcessStartInfo start = new(program, ["devices", "--json"]) { RedirectStandardOutput = true };
        start.Environment[variable] = value == "empty" ? folder[""] : value;
        using Process process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, process.ExitCode);
        JsonElement listed = JsonDocument.Parse(output).RootElement.GetProperty("openCl");
        Assert.Equal(0, listed.GetProperty("devices").GetArrayLength());
        Assert.Contains(expected, listed.GetProperty("problem").GetString(), StringComparison.Ordinal);
    }
}
