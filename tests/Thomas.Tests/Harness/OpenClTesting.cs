using System;
using Thomas.Runtime.OpenCl;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>What tests of OpenCL need. Where there is no device they are skipped, but fail under <c>THOMAS_REQUIRE_OPENCL=1</c>, which CI sets.</summary>
internal static class OpenClTesting
{
    private static readonly Lazy<OpenClDevices> Found = new(OpenClDevices.Find);

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
