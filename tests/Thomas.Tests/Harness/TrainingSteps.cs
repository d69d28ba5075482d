using System;
using System.Collections.Generic;
using Thomas.Architectures;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Tests.Harness;

/// <summary>A small MobileNetV2 and a few steps of training it on noise.</summary>
internal static class TrainingSteps
{
    public const int Classes = 5, Side = 64;

    public static Model Network { get; } = Build(Side);

    /// <summary>The same layers on images of half the height and width.</summary>
    public static Model SmallNetwork { get; } = Build(Side / 2);

    /// <summary>Runs a plan for some steps.</summary>
    /// <returns>The loss of each step.</returns>
    public static List<float> Run(TrainingPlan plan, int steps = 3, float rate = 0.05f)
    {
        using VariableStore store = new(plan.Graph.Variables, Device.Of(plan.Compile));
        using StepProgram program = new(plan, store);
        return Run(program, plan.Runs, steps, rate);
    }

    /// <summary>Makes some steps, each of so many runs.</summary>
    /// <returns>The loss of each step.</returns>
    public static List<float> Run(StepProgram program, int runs, int steps, float rate)
    {
        List<float> losses = [];
        for (int step = 1; step <= steps; step++)
        {
            float loss = 0;
            program.Begin(step, rate);
            for (int run = 0; run < runs; run++)
            {
                Fill(program, run * program.Batch, runs * program.Batch);
                loss += program.Run();
            }

            program.End();
            losses.Add(loss);
        }

        return losses;
    }

    /// <summary>Sets the inputs of a run.</summary>
    public static void Fill(StepProgram program, int first, int batch)
    {
        (float[] images, float[] targets, float[] weights) = Numbers(program.Step.Graph, first, batch);
        program.Feed(images, targets, weights);
    }

    /// <summary>The inputs of a run.</summary>
    public static (float[] Images, float[] Targets, float[] Weights) Numbers(Graph graph, int first, int batch)
    {
        int rows = graph.Inputs[0].Shape[0], images = graph.Inputs[0].Shape.ElementCount, length = images / rows, classes = graph.Inputs[1].Shape[1];
        float[] targets = new float[rows * classes], weights = new float[rows];
        for (int n = 0; n < rows; n++) targets[(n * classes) + ((first + n) % classes)] = 1;
        Array.Fill(weights, 1f / batch);
        return (TestGraphs.Noise(batch * length, 3).AsSpan(first * length, images).ToArray(), targets, weights);
    }

    /// <summary>Sets the inputs of the next run.</summary>
    public static void Feed(this StepProgram program, ReadOnlySpan<float> images, ReadOnlySpan<float> targets, ReadOnlySpan<float> weights)
    {
        BatchSpans inputs = program.Stage([]);
        images.CopyTo(inputs.Inputs);
        targets.CopyTo(inputs.Targets);
        weights.CopyTo(inputs.Weights);
        program.Send();
    }

    private static Model Build(int side)
    {
        ArchitectureCatalog.TryFind("mobilenet-v2", out Architecture? architecture);
        ArchitectureOptions options = new() { Classes = Classes, Height = side, Width = side, WidthMultiplier = 0.35f, Seed = 1 };
        return new Model(architecture!.Build(options), new ModelInfo { Name = "small", Preprocessing = Preprocessing.Preset("unit", side, side) });
    }
}
