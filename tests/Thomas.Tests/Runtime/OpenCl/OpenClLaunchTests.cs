using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Planning;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Long launches become several, which compute the same bits.</summary>
public sealed class OpenClLaunchTests
{
    // Less than any launch is predicted to take, by a factor of thousands: all become single groups.
    private const string Single = "no-self-test launch=0.000001";

    private static readonly OpenClFaults Cut = new(), Whole = new();

    private static readonly Lazy<OpenClDevice> CutDevice = new(static () => OpenClTesting.Open(Cut, Single)),
        WholeDevice = new(static () => OpenClTesting.Open(Whole, "no-self-test launch=0"));

    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    /// <summary>Groups along each axis, pieces that are wanted, pieces that there are.</summary>
    public static TheoryData<int, int, int, int, int> Cuts => new()
    {
        { 7, 1, 1, 1, 1 },
        { 7, 1, 1, 3, 3 },
        { 7, 1, 1, 7, 7 },
        { 7, 1, 1, 100, 7 },
        { 10, 6, 5, 4, 4 },
        { 10, 6, 2, 4, 4 },
        { 10, 3, 2, 4, 4 },
        { 5, 3, 2, 12, 12 },
        { 5, 3, 2, 30, 30 },
        { 5, 3, 2, 1000, 30 },
    };

    [Theory]
    [MemberData(nameof(Cuts))]
    public void Pieces_are_whole_groups_and_each_group_once(int x, int y, int z, int wanted, int expected)
    {
        WorkSize group = new(4, 2, 3);
        LaunchPiece[] pieces = LaunchPiece.Cut(new WorkSize(4 * x, 2 * y, 3 * z), group, wanted);
        Assert.Equal(expected, pieces.Length);
        HashSet<(int, int, int)> seen = [];
        foreach ((WorkSize at, WorkSize size) in pieces)
        {
            Assert.Equal((0, 0, 0, 0, 0, 0), (at.X % 4, at.Y % 2, at.Z % 3, size.X % 4, size.Y % 2, size.Z % 3));
            for (int i = 0; i < size.X; i += 4)
            {
                for (int j = 0; j < size.Y; j += 2)
                {
                    for (int k = 0; k < size.Z; k += 3) Assert.True(seen.Add((at.X + i, at.Y + j, at.Z + k)));
                }
            }
        }

        Assert.Equal(x * y * z, seen.Count);
        long most = pieces.Max(piece => piece.Items.Count), least = pieces.Min(piece => piece.Items.Count);
        Assert.True(expected != wanted || x * y * z / wanted == 0 || least > 0 && most <= 2 * Math.Max(least, group.Count * x * y * z / wanted));
    }

    /// <summary>The outermost axis that has enough groups is the one that is cut.</summary>
    [Fact]
    public void The_outermost_axis_that_has_enough_groups_is_cut()
    {
        Assert.All(LaunchPiece.Cut(new WorkSize(8, 8, 8), new WorkSize(1), 4), piece => Assert.Equal((8, 8, 2), (piece.Items.X, piece.Items.Y, piece.Items.Z)));
        Assert.All(LaunchPiece.Cut(new WorkSize(8, 8, 2), new WorkSize(1), 4), piece => Assert.Equal((8, 2, 2), (piece.Items.X, piece.Items.Y, piece.Items.Z)));
        Assert.All(LaunchPiece.Cut(new WorkSize(8, 3, 2), new WorkSize(1), 4), piece => Assert.Equal((2, 3, 2), (piece.Items.X, piece.Items.Y, piece.Items.Z)));
    }

    /// <summary>The smallest case of each kernel.</summary>
    [Theory]
    [MemberData(nameof(OpNames))]
    public void Single_groups_compute_the_bits_of_whole_launches(string name)
    {
        OpenClDevice cut = CutDevice.Value, whole = WholeDevice.Value;
        foreach (IGrouping<string, OpCase> same in OpCases.All().Where(test => test.Op.Name == name && KernelOf(test) is not null)
            .GroupBy(test => KernelOf(test)!.Name))
        {
            // Not the smallest, which may be one group.
            OpCase test = same.OrderBy(test => NodeOf(test).Cost.Bytes).ElementAt(same.Count() / 2);
            float[][] operands = OpSweep.Operands(test, withNaN: false);
            Expect.Same(
                OpSweep.Run(test, operands, new CompileOptions { OtherDevice = whole, Threads = 1 }, constants: false),
                OpSweep.Run(test, operands, new CompileOptions { OtherDevice = cut, Threads = 1 }, constants: false));
        }

        OpenClKernel? KernelOf(OpCase test) =>
            test.Op.CreateOpenClKernel(NodeOf(test), new OpenClKernelContext(whole.Limits, static _ => false));
    }

    [Theory]
    [InlineData(OptimizerKind.Sgd)]
    [InlineData(OptimizerKind.AdamW)]
    public void Training_with_single_groups_has_the_same_bits(OptimizerKind optimizer)
    {
        (List<float> whole, int calls) = Train(WholeDevice.Value);
        (List<float> cut, int cutCalls) = Train(CutDevice.Value);
        Assert.Equal(whole, cut);
        Assert.NotEqual(whole[0], whole[^1]);
        Assert.True(cutCalls > 3 * calls, $"{cutCalls} launches instead of {calls}");

        (List<float> Losses, int Calls) Train(OpenClDevice device)
        {
            TrainingPlanOptions options = new()
            {
                Batch = 4,
                BatchNorm = BatchNormMode.Live,
                Optimizer = new OptimizerOptions { Kind = optimizer },
                Compile = new CompileOptions { OtherDevice = device, Threads = 1 },
            };
            TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.SmallNetwork, options);
            using VariableStore store = new(plan.Graph.Variables, device);
            using StepProgram program = new(plan, store);
            return (TrainingSteps.Run(program, 1, 3, 0.01f), program.Step.Calls);
        }
    }

    [Theory]
    [InlineData(1 << 20, 1)]
    [InlineData(1 << 20, 5)]
    [InlineData(1 << 20, 64)]
    [InlineData(512, 64)]
    public void Launches_are_as_many_as_predicted(int count, int pieces)
    {
        OpenClFaults faults = new();
        Node node = Exp(count);

        // Rates that are known, a time that asks for so many pieces.
        CostModel rates = new(1e12, 1e12, 1e9, 1e12, 1e-6);
        string limit = (rates.Seconds(node) * 1e3 / (pieces - 0.5)).ToString("F9", System.Globalization.CultureInfo.InvariantCulture);
        OpenClDevice device = OpenClTesting.Open(faults, $"no-self-test slow=3 launch={limit}");
        device.Speed.Assume(rates);
        Assert.Equal(pieces, device.Speed.Pieces(node));
        (int calls, float[] result) = RunOnce(device, count);
        OpenClLaunch launch = ((OpenClKernel)device.CreateKernel(node)!).Launches.Single();
        int groups = (int)(launch.Items.Cover(launch.Group).Count / launch.Group.Count), expected = Math.Min(pieces, groups);
        Assert.Equal(3 * expected, calls);
        Assert.Equal(3 * expected, faults.Launches);
        Assert.Equal(RunOnce(WholeDevice.Value, count).Result, result);
    }

    /// <summary>A device that is slower than it is taken for learns it from launches that it times.</summary>
    [Fact]
    public void A_launch_that_took_too_long_is_cut_from_then_on()
    {
        const int Count = 1 << 22;
        CostModel much = new(1e15, 1e15, 1e15, 1e15, 1e-6);
        OpenClDevice device = OpenClTesting.Open(words: "no-self-test profiling launch=0.005");
        device.Speed.Assume(much);
        using Executable executable = Compile(device, Count);
        Assert.Equal(1, executable.Calls);
        double[] first = new double[executable.Kernels.Count], second = new double[first.Length];
        executable.RunTimed(first);
        int pieces = executable.Calls;
        Assert.True(pieces > 1);
        executable.RunTimed(second);
        Assert.True(executable.Calls >= pieces);
        Assert.InRange(second.Sum(), first.Sum() / 20, first.Sum() * 20);
    }

    [Fact]
    public void The_speed_is_measured_only_for_long_launches_and_once()
    {
        const string Words = "no-self-test launch=20";
        using TemporaryFolder folder = new();
        Node little = Exp(1000), much = Exp(400_000_000);
        OpenClDevice device = OpenClTesting.Open(words: Words, folder: folder.Path);
        Assert.Equal(1, device.Speed.Pieces(little));
        Assert.Empty(Files());
        int pieces = device.Speed.Pieces(much);
        string file = Assert.Single(Files());
        Assert.NotEqual(device.Speed.Guess, device.Speed.Rates);
        Assert.True(device.Speed.Rates.ProductRate > 1e7 && device.Speed.Rates.Bandwidth > 1e7, $"{device.Speed.Rates}");

        // Another process reads what this one has measured; a record that is damaged is measured again; another driver has its own.
        OpenClDevice other = OpenClTesting.Open(words: Words, folder: folder.Path);
        Assert.Equal((pieces, device.Speed.Rates), (other.Speed.Pieces(much), other.Speed.Rates));
        string text = File.ReadAllText(file);
        File.WriteAllText(file, text[..^3]);
        Assert.NotEqual(device.Speed.Rates, OpenClTesting.Open(words: Words, folder: folder.Path).Speed.Rates);
        Assert.EndsWith("\nend\n", File.ReadAllText(file), StringComparison.Ordinal);
        _ = OpenClTesting.Open(words: Words, folder: folder.Path, driver: "another").Speed.Rates;
        Assert.Equal(2, Files().Length);

        string[] Files() => Directory.GetFiles(folder.Path, "speed-*");
    }

    /// <summary>On a CPU nothing draws and no driver watches; a setting goes before that.</summary>
    [Theory]
    [InlineData("cpu", "", false)]
    [InlineData("cpu", " launch=20", true)]
    [InlineData("gpu", "", true)]
    [InlineData("accelerator", "", true)]
    [InlineData("gpu", " launch=0", false)]
    public void Launches_of_a_CPU_are_not_cut_unless_that_is_asked_for(string kind, string words, bool isCut)
    {
        using TemporaryFolder folder = new();
        OpenClDevice device = OpenClTesting.Open(words: "no-self-test" + words, folder: folder.Path, kind: kind);
        Assert.Equal(isCut ? 50 : 0, device.Speed.PiecesOf(1));

        // By the cautious guess the first takes much longer than 20 ms; then the speed is measured.
        device.Speed.Pieces(Exp(400_000_000));
        Assert.Equal(isCut, Directory.GetFiles(folder.Path, "speed-*").Length == 1);
        device.Speed.Assume(new CostModel(1e9, 1e9, 1e9, 1e9, 1e-6));
        Assert.Equal(isCut, device.Speed.Pieces(Exp(400_000_000)) > 1);
    }

    private static (int Calls, float[] Result) RunOnce(OpenClDevice device, int count)
    {
        using Executable executable = Compile(device, count);
        executable.Write(0, TestGraphs.Noise(count, 5));
        executable.Run();
        float[] result = new float[count];
        executable.Read(0, result);
        return (executable.Calls, result);
    }

    private static Executable Compile(OpenClDevice device, int count)
    {
        GraphBuilder builder = new();
        Value x = builder.Input("x", new TensorType(DType.F32, new Shape(count)));
        return Executable.CompileAsIs(builder.Build(builder.Add(OpCatalog.Exp, [x])), new CompileOptions { OtherDevice = device, Threads = 1 });
    }

    private static Node Exp(int count) => NodeOf(new OpCase(OpCatalog.Exp, NoAttributes.Instance, [new Shape(count)]));

    private static Node NodeOf(OpCase test)
    {
        GraphBuilder builder = new();
        return builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
    }
}
