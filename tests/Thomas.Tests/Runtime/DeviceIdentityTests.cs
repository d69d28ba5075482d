using System;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Runtime;

public sealed class DeviceIdentityTests
{
    private const string Phone = "OpenCL ARM/Mali/G610/7", Limits = "/OpenClLimits { LocalBytes = 16384, Block = ItemBlock { Rows = 4 }, IsFlat = False }",
        Compiler = "/-cl-std=CL1.2 -cl-mad-enable", Whole = Phone + Limits + Compiler;

    [Theory]
    [InlineData("Cpu", "Serial", "Cpu", "Serial")]
    [InlineData("Hybrid of Cpu and Mock", "Mock", "Hybrid of Cpu and Mock", "Mock")]
    [InlineData(Whole, "Cpu", Phone, "Cpu")]
    [InlineData("Cpu", Whole + "/half", "Cpu", Phone)]
    [InlineData(Whole, "OpenCL ARM/Mali/G610/8" + Limits + Compiler + "/half", Phone, "OpenCL ARM/Mali/G610/8")]
    [InlineData("Hybrid of Cpu and " + Whole, Whole, "Hybrid of Cpu and " + Phone, Phone)]
    [InlineData(Whole, Whole + "/half", "activations as float32", "activations as 16-bit floats")]
    [InlineData(Whole + "/half", Whole, "activations as 16-bit floats", "activations as float32")]
    public void Names_are_told_apart_or_else_details(string there, string here, string onlyThere, string onlyHere) =>
        Assert.Equal((onlyThere, onlyHere), DeviceIdentity.Differences(there, here));

    [Fact]
    public void Only_details_that_differ_are_told()
    {
        string other = Whole.Replace("16384", "32768", StringComparison.Ordinal).Replace(" -cl-mad-enable", "", StringComparison.Ordinal) + "/half";
        Assert.Equal(
            ("LocalBytes = 16384, -cl-std=CL1.2 -cl-mad-enable, activations as float32", "LocalBytes = 32768, -cl-std=CL1.2, activations as 16-bit floats"),
            DeviceIdentity.Differences(Whole, other));
    }
}
