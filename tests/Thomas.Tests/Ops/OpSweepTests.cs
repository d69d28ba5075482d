using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Ops;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class OpSweepTests
{
    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_agrees_with_its_definition(string name)
    {
        OpCase[] cases = [.. OpCases.All().Where(test => test.Op.Name == name)];
        Expect.True(cases.Length > 0, $"{name} has no case in the sweep");
        foreach (OpCase test in cases) OpSweep.Check(test);
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void NaN_comes_out_where_the_definition_says(string name)
    {
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name)) OpSweep.CheckNaN(test);
    }

    [Fact]
    public void The_catalog_lists_every_operator_once()
    {
        System.Type[] types = [.. typeof(Op).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Op)) && !type.IsAbstract)];
        Assert.Equal(types.Select(type => type.Name).Order(), OpCatalog.All.Select(op => op.GetType().Name).Order());
        Assert.Equal(OpCatalog.All.Count, OpCatalog.All.Select(op => op.Name).Distinct().Count());
        Assert.All(OpCatalog.All, op => Assert.False(string.IsNullOrWhiteSpace(op.Formula)));
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_has_a_kernel_and_a_cost(string name)
    {
        OpCase test = OpCases.All().First(test => test.Op.Name == name);
        GraphBuilder builder = new();
        Node node = builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
        Assert.IsNotType<ReferenceKernel>(test.Op.CreateCpuKernel(node, new CpuKernelContext(1, BlockSizes.Default)));
        Assert.True(test.Op.Cost(node).Bytes > 0);
    }
}
