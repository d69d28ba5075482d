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

    /// <summary>All cases; on a simulator the smallest of each kernel, since it takes a thousand times as long.</summary>
    internal static IEnumerable<OpCase> CasesWithKernels(string name, OpenClDevice device)
    {
        IEnumerable<OpCase> cases = OpCases.All().Where(test => test.Op.Name == name && Kernel(test, device) is not null);
        if (!OpenClTesting.IsSimulator(device)) return cases;
        return cases.GroupBy(test => Kernel(test, device)!.Name).Select(same => same.MinBy(Work)!).Where(test => Work(test) <= MostSimulatedWork);
    }

    /// <summary>The kernel of a case, without building it: the simulator builds one program at a time.</summary>
    private static OpenClKernel? Kernel(OpCase test, OpenClDevice device) =>
        test.Op.CreateOpenClKernel(NodeOf(test), new OpenClKernelContext(device.Limits, static _ => false));

    private static long Work(OpCase test)
    {
        OpCost cost = NodeOf(test).Cost;
        return cost.MultiplyAdds + cost.Elementwise;
    }

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }

    [GeneratedRegex(@"^\| `(\w+)` \|", RegexOptions.Multiline)]
    private static partial Regex OperatorRow();
}
