using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>Training steps against PyTorch's, recorded by tests/reference/record_pytorch.py.</summary>
public sealed class TorchParityTests
{
    // The bounds that the project promises: gradients of one step, and the losses of twenty.
    private const double GradientBound = 1e-4, LossBound = 1e-3;

    public static TheoryData<string> Nets => new(TorchReference.Nets);

    public static TheoryData<string, string> Runs => new(TorchReference.Nets.SelectMany(net => new[] { "sgd", "adamw" }, (net, run) => (net, run)));

    [Theory]
    [MemberData(nameof(Nets))]
    public void All_gradients_of_one_step_agree(string net)
    {
        TorchReference reference = TorchReference.Load(net);
        Trainee trainee = Trainee.Create(TorchNetworks.Build(reference), UpdatePolicy.All, BatchNormMode.Live);
        TrainingGraphOptions options = new(reference.InputShape[0], new OptimizerOptions(), Accumulate: true);
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        using VariableStore store = new(graph.Variables);
        using StepProgram program = new(graph, options, store, new CompileOptions { Threads = 2 });
        Fill(program, reference, 0);
        program.Begin(1, 0);
        Assert.Equal(reference.Loss, program.Run(), 1e-5 * Math.Max(1, reference.Loss));

        int compared = 0;
        List<string> off = [];
        foreach (Variable sum in graph.Variables.Where(variable => variable.Kind == VariableKind.Gradient))
        {
            string name = sum.Name[..sum.Name.LastIndexOf('.')];
            double error = reference.GradientError(name, TorchNetworks.ToTorch(reference, name, sum.Shape, store[sum]));
            if (!(error <= GradientBound)) off.Add($"{name}: {error:E1}");
            compared++;
        }

        Assert.Empty(off);
        Assert.Equal(reference.Tensors.Count(tensor => tensor.IsTrained), compared);
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Twenty_steps_have_the_same_losses(string net, string run)
    {
        TorchReference reference = TorchReference.Load(net);
        TorchRun expected = run == "sgd" ? reference.Sgd : reference.AdamW;
        OptimizerOptions optimizer = run == "sgd"
            ? new OptimizerOptions { Kind = OptimizerKind.Sgd, Momentum = 0.9f, WeightDecay = 1e-4f, DecayAll = true }
            : new OptimizerOptions { Kind = OptimizerKind.AdamW, WeightDecay = 0.01f, Epsilon = 1e-5f, DecayAll = true };
        Trainee trainee = Trainee.Create(TorchNetworks.Build(reference), UpdatePolicy.All, BatchNormMode.Live);
        TrainingGraphOptions options = new(reference.InputShape[0], optimizer);
        TrainingGraph graph = TrainingGraph.Build(trainee, options);
        using VariableStore store = new(graph.Variables);
        using StepProgram program = new(graph, options, store, new CompileOptions { Threads = 2 });
        for (int step = 0; step < expected.Loss.Length; step++)
        {
            Fill(program, reference, step % reference.Batches);
            program.Begin(step + 1, (float)expected.Rate);
            float loss = program.Run();
            program.End();
            Expect.True(
                Math.Abs(loss - expected.Loss[step]) <= LossBound * Math.Max(1, expected.Loss[step]),
                $"step {step}: loss {loss}, PyTorch has {expected.Loss[step]}");
        }

        foreach (TrainedParameter parameter in trainee.Parameters)
            Close(expected.ParameterNorm[parameter.Variable.Name], Norm(store[parameter.Variable]), parameter.Variable.Name);
        foreach (Variable statistic in trainee.Statistics)
        {
            double[] recorded = expected.Running[statistic.Name];
            ReadOnlySpan<float> actual = store[statistic];
            for (int i = 0; i < recorded.Length; i++)
                Expect.True(
                    Math.Abs(actual[i] - recorded[i]) <= LossBound * Math.Max(1, Math.Abs(recorded[i])),
                    $"{statistic.Name}[{i}]: {actual[i]}, PyTorch has {recorded[i]}");
        }
    }

    private static void Close(double expected, double actual, string what) =>
        Expect.True(Math.Abs(actual - expected) <= LossBound * Math.Max(expected, 1e-3), $"{what}: norm {actual}, PyTorch has {expected}");

    private static double Norm(ReadOnlySpan<float> values)
    {
        double squares = 0;
        foreach (float value in values) squares += (double)value * value;
        return Math.Sqrt(squares);
    }

    private static void Fill(StepProgram program, TorchReference reference, int batch)
    {
        BatchSpans inputs = program.Stage([]);
        TorchNetworks.Images(reference, batch).CopyTo(inputs.Inputs);
        int[] labels = reference.Labels(batch);
        inputs.Targets.Clear();
        for (int n = 0; n < labels.Length; n++) inputs.Targets[(n * reference.Classes) + labels[n]] = 1;
        inputs.Weights.Fill(1f / labels.Length);
        program.Send();
    }
}
