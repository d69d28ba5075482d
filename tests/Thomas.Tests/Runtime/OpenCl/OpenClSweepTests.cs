using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Every operator that has launches, on the device of the tests, against its definition.</summary>
public sealed class OpenClSweepTests
{
    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_agrees_with_its_definition(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name && Has(test, device))) OpSweep.Check(test, device);

        // A program that cannot be built is replaced by the CPU without a word.
        Assert.Empty(device.Programs.Problems);
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void NaN_comes_out_where_the_definition_says(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name && Has(test, device)))
            OpSweep.CheckNaN(test, new CompileOptions { OtherDevice = device, Threads = 1 });
    }

    /// <summary>Whether the device has a kernel for a case. What has none runs on the CPU, which other tests hold.</summary>
    private static bool Has(OpCase test, OpenClDevice device)
    {
        GraphBuilder builder = new();
        Value[] inputs = [.. test.Shapes.Select((shape, i) => builder.Input($"x{i}", new TensorType(DType.F32, shape)))];
        return device.CreateKernel(builder.AddNode(test.Op, inputs, test.Attributes)) is OpenClKernel;
    }
}
