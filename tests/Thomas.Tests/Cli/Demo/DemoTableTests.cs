using System;
using Thomas.App.Demo;
using Thomas.Graphs;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Cli.Demo;

public sealed class DemoTableTests
{
    [Theory]
    [InlineData(900, 800, "90.0% of 1,000 new letters right; the same network from random weights gets 80.0%: knowing digits avoided 50% of the mistakes.")]
    [InlineData(800, 900, "80.0% of 1,000 new letters right; the same network from random weights gets 90.0%: starting from random weights was better here.")]
    [InlineData(900, 890, "90.0% of 1,000 new letters right; the same network from random weights gets 89.0%: 1000 images are too few to tell the two apart.")]
    [InlineData(890, 900, "1000 images are too few to tell the two apart.")]
    [InlineData(1000, 1000, "1000 images are too few to tell the two apart.")]
    public void The_conclusion_follows_from_the_figures(int tuned, int scratch, string expected)
    {
        string conclusion = DemoTable.Conclude(Tuning("all", tuned), Tuning("scratch", scratch));
        Assert.StartsWith("After 10 letters, the network that knew digits, tuned by 'all', gets ", conclusion, StringComparison.Ordinal);
        Assert.EndsWith(expected, conclusion, StringComparison.Ordinal);
    }

    [Fact]
    public void The_table_has_a_line_for_each_policy()
    {
        string[] lines = DemoTable.ToText([Tuning("last:2", 903), Tuning("all", 100)]).Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.Equal("policy     trained     own images  test before  test after      time  memory of a step", lines[0]);
        Assert.Equal("last:2     405,510        8 of 10        10.0%       90.3%     1.5 s           2.0 MiB", lines[1]);
        Assert.All(lines, line => Assert.Equal(lines[0].Length, line.Length));
    }

    private static DemoTuning Tuning(string policy, int right) =>
        new(policy, Empty(), 405_510, Counts(100, 1000), Counts(right, 1000), Counts(8, 10), TimeSpan.FromSeconds(1.5), 2 << 20, []);

    private static Model Empty()
    {
        GraphBuilder builder = new();
        return new Model(builder.Build(builder.Input("x", new TensorType(DType.F32, new Shape(1, 2)))), new ModelInfo { Name = "empty" });
    }

    private static ConfusionMatrix Counts(int right, int total)
    {
        ConfusionMatrix counts = new(2);
        for (int i = 0; i < total; i++) counts.Add(0, i < right ? 0 : 1);
        return counts;
    }
}
