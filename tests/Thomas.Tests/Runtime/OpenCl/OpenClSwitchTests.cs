using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Passes;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>The switches of the study change what is run, and no result beyond rounding.</summary>
public sealed partial class OpenClSwitchTests
{
    private static readonly TrainingPlanOptions Options = new()
    {
        Batch = 4,
        BatchNorm = BatchNormMode.Live,
        Optimizer = new OptimizerOptions { Kind = OptimizerKind.AdamW },
    };

    [Theory]
    [InlineData("separate")]
    [InlineData("groups=1d tiles=registers")]
    [InlineData("scalar")]
    [InlineData("separate groups=1d scalar tiles=local")]
    public void Training_agrees_with_the_CPU(string words)
    {
        (List<float> expected, _, _) = Train(null);
        (List<float> actual, IReadOnlyList<string> kernels, _) = Train(Device(words));
        Assert.All(kernels, kernel => Assert.EndsWith("__opencl", kernel, StringComparison.Ordinal));
        Assert.NotEqual(expected[0], expected[^1]);
        for (int i = 0; i < expected.Count; i++) Assert.Equal(expected[i], actual[i], 1e-3f * expected[i]);
    }

    [Fact]
    public void Separate_fuses_nothing()
    {
        List<OpenClLaunch> fused = Launches(Device("")), apart = Launches(Device("separate"));
        int activations = apart.Count(launch => launch.Function == "map") - fused.Count(launch => launch.Function == "map");
        Assert.True(activations > 20, $"{activations} activations are launches of their own");
        Assert.DoesNotContain(apart, launch => launch.Function == "activate_bias_gradient");
        Assert.All(apart.Where(IsProduct), launch => Assert.DoesNotMatch("BIAS|RESIDUAL|ACT", launch.Program.Macros));

        // Updates of all variables are one launch each instead of one together.
        (_, IReadOnlyList<string> kernels, int calls) = Train(Device(""));
        (_, IReadOnlyList<string> apartKernels, int apartCalls) = Train(Device("separate"));
        int updates = kernels.Count(IsUpdate);
        Assert.True(updates > 3);
        Assert.Equal(updates, apartKernels.Count(IsUpdate));
        Assert.True(apartCalls >= calls + updates - 1, $"{apartCalls} calls instead of {calls}");

        static bool IsUpdate(string kernel) => kernel.Contains("adam", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiles=registers")]
    [InlineData("tiles=local")]
    [InlineData("tiles=items")]
    public void Separate_ends_a_product_with_a_launch_for_each_part(string tiles)
    {
        Window2d window = new(3, 3, 1, 1, 1, 1, new Padding2d(1, 1, 1, 1));
        Conv2dAttributes attributes = new(window, HasBias: true, Activation: Activation.Relu, HasResidual: true);
        OpCase test = new(OpCatalog.Conv2d, attributes, [new Shape(2, 9, 7, 8), new Shape(12, 3, 3, 8), new Shape(12), new Shape(2, 9, 7, 12)]);
        OpenClKernel fused = KernelOf(Device(tiles), test), apart = KernelOf(Device($"{tiles} separate"), test);
        Assert.Equal(fused.Launches.Count + 3, apart.Launches.Count);
        Assert.Contains(fused.Launches, launch => Regex.IsMatch(launch.Program.Macros, "BIAS(.|\n)*RESIDUAL(.|\n)*ACT"));
        Assert.DoesNotMatch("BIAS|RESIDUAL|ACT", apart.Launches[^4].Program.Macros);
        Assert.Matches("BIAS", apart.Launches[^3].Program.Macros);
        Assert.Matches("RESIDUAL", apart.Launches[^2].Program.Macros);
        Assert.Matches("ACT", apart.Launches[^1].Program.Macros);
        OpSweep.Check(test, Device($"{tiles} separate"));
    }

    [Fact]
    public void One_dimensional_groups_lie_along_the_first_axis()
    {
        List<OpenClLaunch> two = Launches(Device("tiles=registers")), one = Launches(Device("tiles=registers groups=1d"));
        HashSet<string> changed = [.. two.Where(launch => launch.Group.Y > 1).Select(launch => launch.Program.Name)];
        Assert.ProperSuperset(new HashSet<string>(["batchnorm", "batchnorm_gradient", "direct"]), changed);
        Assert.All(one.Where(launch => launch.Function != "transpose"), launch => Assert.Equal((1, 1), (launch.Group.Y, launch.Group.Z)));
        Assert.Contains(one, launch => launch.Program.Name == "direct" && launch.Group.X >= 64);
    }

    [Theory]
    [InlineData("tiles=registers")]
    [InlineData("tiles=local")]
    [InlineData("tiles=items")]
    public void Scalar_kernels_have_no_vectors(string tiles)
    {
        OpenClDevice device = Device($"{tiles} scalar");
        List<OpenClLaunch> vectors = Launches(Device(tiles)), scalar = Launches(device);
        Assert.Contains(vectors, launch => Widths(launch).Any(width => width > 1));
        Assert.All(scalar, launch => Assert.All(Widths(launch), width => Assert.Equal(1, width)));
        Assert.All(scalar, launch => Assert.DoesNotMatch("4$", launch.Function));
        Assert.Contains(" -D WIDE=1", device.Settings.CompilerOptions(device.Info), StringComparison.Ordinal);
        Assert.DoesNotContain("WIDE", Device(tiles).Settings.CompilerOptions(device.Info), StringComparison.Ordinal);

        // Four times the items where each made four elements.
        int[] before = [.. Updates(vectors)], after = [.. Updates(scalar)];
        Assert.Equal(before.Length, after.Length);
        Assert.True(before.Length > 0);
        for (int i = 0; i < before.Length; i++) Assert.InRange(after[i], (4 * before[i]) - 3, 4 * before[i]);

        static IEnumerable<int> Updates(List<OpenClLaunch> launches) =>
            launches.Where(launch => launch.Program.Name == "updates").Select(launch => launch.Items.X);
    }

    private static bool IsProduct(OpenClLaunch launch) => launch.Program.Name is "product" or "direct";

    /// <summary>Numbers that a kernel reads at once, as its macros say.</summary>
    private static IEnumerable<int> Widths(OpenClLaunch launch) =>
        Width().Matches(launch.Program.Macros).Select(match => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture));

    private static OpenClDevice Device(string words)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        int number = int.Parse(device.Name["opencl:".Length..], System.Globalization.CultureInfo.InvariantCulture);
        return OpenClDevice.Open(number, OpenClSettings.Parse($"no-self-test {words}"));
    }

    private static OpenClKernel KernelOf(OpenClDevice device, OpCase test)
    {
        GraphBuilder builder = new();
        return (OpenClKernel)device.CreateKernel(builder.AddNode(test.Op, test.Inputs(builder), test.Attributes))!;
    }

    /// <summary>Three steps of a tiny network.</summary>
    private static (List<float> Losses, IReadOnlyList<string> Kernels, int Calls) Train(OpenClDevice? device)
    {
        TrainingPlanOptions options = Options with { Compile = new CompileOptions { OtherDevice = device, Threads = 1 } };
        TrainingPlan plan = TrainingPlanner.Plan(TrainerJob.Model(known: true), options);
        using VariableStore store = new(plan.Graph.Variables, Thomas.Runtime.Device.Of(plan.Compile));
        using StepProgram program = new(plan, store);
        return (TrainingSteps.Run(program, 1, 3, 1e-3f), program.Step.Kernels, program.Step.Calls);
    }

    /// <summary>The launches of a step of a small MobileNetV2, which are not built.</summary>
    private static List<OpenClLaunch> Launches(OpenClDevice device)
    {
        TrainingPlan plan = TrainingPlanner.Plan(TrainingSteps.Network, Options with { Compile = new CompileOptions { Threads = 1 } });
        List<OpenClLaunch> launches = [];
        foreach (Node node in CompilePasses.Run(plan.Graph.Step, device.Wants).Nodes)
        {
            if (node.Op.IsView(node)) continue;
            OpenClKernel kernel = Assert.IsType<OpenClKernel>(node.Op.CreateOpenClKernel(node, new OpenClKernelContext(device.Limits, static _ => false)));
            launches.AddRange(kernel.Launches);
        }

        return launches;
    }

    [GeneratedRegex(@"^#define (?:VA|VB|VC|VW|V) (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Width();
}
