using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Whole training steps on the device of the tests, beside those of the CPU.</summary>
public sealed class OpenClTrainingTests(ITestOutputHelper output)
{
    private const int Batch = 4;

    /// <summary>Architecture, side of its images (0: its own), width, whether batch norm is live.</summary>
    public static TheoryData<string, int, float, bool> Networks => new()
    {
        { "lenet5", 0, 1, false },
        { "alexnet", 67, 1, false },
        { "squeezenet", 48, 1, false },
        { "resnet20", 0, 1, true },
        { "mobilenet-v1", 64, 0.25f, true },
        { "mobilenet-v2", 64, 0.35f, true },
        { "mobilenet-v2", 64, 0.35f, false },
        { "mobilenet-v3-small", 64, 1, true },
    };

    [Theory]
    [MemberData(nameof(Networks))]
    public void A_step_changes_each_parameter_as_on_the_CPU(string name, int side, float width, bool live)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        Model model = Build(name, side, width);
        foreach (OptimizerKind optimizer in (OptimizerKind[])[OptimizerKind.Sgd, OptimizerKind.AdamW])
        {
            TrainingPlanOptions options = new()
            {
                Batch = Batch,
                BatchNorm = live ? BatchNormMode.Live : BatchNormMode.Frozen,
                Optimizer = new OptimizerOptions { Kind = optimizer },
            };
            (Dictionary<string, float[]> expected, _) = Step(model, options with { Compile = new CompileOptions { Threads = 1 } });
            (Dictionary<string, float[]> actual, IReadOnlyList<string> kernels) =
                Step(model, options with { Compile = new CompileOptions { OtherDevice = device, Threads = 1 } });
            Assert.All(kernels, kernel => Assert.EndsWith("__opencl", kernel, StringComparison.Ordinal));
            Assert.Equal(expected.Keys.Order(), actual.Keys.Order());

            // Some gradients are sums that cancel, such as those of a shift before batch normalization: their error is that of the terms. So none is held to
            // less than a thousandth of the whole gradient.
            double whole = Math.Sqrt(expected.Values.Sum(Square));
            foreach ((string variable, float[] values) in expected)
            {
                float[] other = actual[variable];
                double difference = Math.Sqrt(Square([.. values.Select((value, i) => value - other[i])])), size = Math.Sqrt(Square(values));
                output.WriteLine($"{name} {optimizer} {variable}: {difference / Math.Max(1e-12, size):E1} of {size:E1}");
                Expect.True(difference <= 1e-4 * Math.Max(size, 1e-3 * whole), $"{name}, {optimizer}: '{variable}' of {size:E1} differs by {difference:E1}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Networks))]
    public void Twenty_losses_are_those_of_the_CPU(string name, int side, float width, bool live)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        if (name == "alexnet") Assert.Skip("60 million parameters, twice twenty steps: one step of it is held by the other test");

        // Statistics of few pixels make steps chaotic: the definition and the CPU's kernels then part within four steps as well.
        Model model = Build(name, live && side == 64 ? 128 : side, width);
        foreach (OptimizerKind optimizer in (OptimizerKind[])[OptimizerKind.Sgd, OptimizerKind.AdamW])
        {
            TrainingPlanOptions options = new()
            {
                Batch = Batch,
                BatchNorm = live ? BatchNormMode.Live : BatchNormMode.Frozen,
                Optimizer = new OptimizerOptions { Kind = optimizer },
            };
            float rate = live ? 2e-6f : optimizer == OptimizerKind.AdamW ? 1e-5f : 1e-3f;
            List<float> expected = TrainingSteps.Run(TrainingPlanner.Plan(model, options with { Compile = new CompileOptions { Threads = 1 } }), 20, rate);
            TrainingPlan plan = TrainingPlanner.Plan(model, options with { Compile = new CompileOptions { OtherDevice = device, Threads = 1 } });
            List<float> actual = TrainingSteps.Run(plan, 20, rate);
            for (int i = 0; i < actual.Count; i++)
            {
                double relative = Math.Abs(actual[i] - expected[i]) / Math.Abs(expected[i]);
                Expect.True(relative <= 1e-3, $"{name}, {optimizer}: loss {i} is {actual[i]}, that of the CPU {expected[i]}");
            }

            Assert.NotEqual(expected[0], expected[^1]);

            // The same seed gives the same bits.
            Assert.Equal(actual[..5], TrainingSteps.Run(plan, 5, rate));
        }
    }

    private static double Square(float[] values) => values.Sum(value => (double)value * value);

    private static (Dictionary<string, float[]> Moments, IReadOnlyList<string> Kernels) Step(Model model, TrainingPlanOptions options)
    {
        TrainingPlan plan = TrainingPlanner.Plan(model, options);
        using VariableStore store = new(plan.Graph.Variables, Device.Of(plan.Compile));
        using StepProgram program = new(plan, store);
        program.Begin(1, 1e-3f);
        TrainingSteps.Fill(program, 0, Batch);
        _ = program.Run();
        program.End();
        Dictionary<string, float[]> result = [];

        // After one step the first moment of an optimizer is a multiple of the gradient.
        foreach (Variable variable in plan.Graph.Variables.Where(variable => variable.Kind == VariableKind.OptimizerState))
        {
            float[] values = new float[variable.Type.Shape.ElementCount];
            store.Read(variable, values);
            result.Add(variable.Name, values);
        }

        return (result, program.Step.Kernels);
    }

    private static Model Build(string name, int side, float width)
    {
        Assert.True(ArchitectureCatalog.TryFind(name, out Architecture? architecture));

        // Where the argument of an activation is within rounding of its bound, one term of one sum is there or not. With other seeds that happens somewhere.
        ArchitectureOptions options = new() { Classes = 5, Height = side, Width = side, WidthMultiplier = width, Seed = 4 };
        return new Model(architecture.Build(options), new ModelInfo { Name = name });
    }
}
