using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Docs;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Every operator that has launches, on the device of the tests, against its definition.</summary>
public sealed partial class OpenClSweepTests
{
    // A simulator takes a thousand times as long.
    private const long MostSimulatedWork = 20_000;

    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_agrees_with_its_definition(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach (OpCase test in CasesWithKernels(name, device)) OpSweep.Check(test, device);

        // A program that cannot be built is replaced, which hides it.
        Assert.Empty(device.Programs.Problems);
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void NaN_comes_out_where_the_definition_says(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach (OpCase test in CasesWithKernels(name, device)) OpSweep.CheckNaN(test, new CompileOptions { OtherDevice = device, Threads = 1 });
    }

    /// <summary>Those without are on the page, and no others.</summary>
    [Fact]
    public void Operators_without_kernels_are_those_of_the_page()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        string page = File.ReadAllText(Path.Combine(RepositoryFiles.Root(), "docs", "opencl.md"));
        string table = page[page.IndexOf("## What runs on the CPU", StringComparison.Ordinal)..];
        SortedSet<string> documented = [.. OperatorRow().Matches(table).Select(match => match.Groups[1].Value)];
        SortedSet<string> found = [.. OpCases.All().Where(test => Kernel(test, device) is null).Select(test => test.Op.Name)];
        Assert.Equal(documented, found);
    }

    private static IEnumerable<OpCase> CasesWithKernels(string name, OpenClDevice device)
    {
        bool isSimulated = device.Info.Platform.Contains("oclgrind", StringComparison.OrdinalIgnoreCase);
        return OpCases.All().Where(test => test.Op.Name == name && (!isSimulated || Work(test) <= MostSimulatedWork) && Kernel(test, device) is not null);
    }

    private static OpenClKernel? Kernel(OpCase test, OpenClDevice device) => device.CreateKernel(NodeOf(test)) as OpenClKernel;

    private static long Work(OpCase test)
    {
        OpCost cost = NodeOf(test).Cost;
        return cost.MultiplyAdds + cost.Elementwise;
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        Value[] inputs = [.. test.Shapes.Select((shape, i) => builder.Input($"x{i}", new TensorType(DType.F32, shape)))];
        return builder.AddNode(test.Op, inputs, test.Attributes);
    }

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex OperatorRow();
}
