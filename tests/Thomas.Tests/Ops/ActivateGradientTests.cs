using System;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Ops;

public sealed class ActivateGradientTests
{
    [Fact]
    public void NaN_and_infinity_of_the_saved_tensor_come_out_as_the_definition_says()
    {
        float[] saved = [float.NaN, 1, float.PositiveInfinity, 0, float.NaN, -0f, 6, 7, -5, float.NaN, 0.5f, 3, -3, 1e-30f, -1e-30f, -0.5f, 1.5f, float.NaN, 2];
        foreach (Activation activation in OpCases.Activations)
        {
            if (activation.Kind == ActivationKind.None) continue;
            bool crosses = !activation.GradientReadsOutput && activation.Kind != ActivationKind.HardSwish;
            float[] expected = Run(activation, saved, DeviceKind.Serial), actual = Run(activation, saved, DeviceKind.Cpu);
            for (int i = 0; i < saved.Length; i++)
            {
                // The definition of SiLU's derivative is infinity * 0 there.
                if (activation.Kind == ActivationKind.Silu && float.IsInfinity(saved[i])) continue;
                Tolerance.Check(actual[i], expected[i], Tolerance.Ulps(crosses ? 1 + Math.Abs(expected[i]) : expected[i], 3), $"{activation} of {saved[i]}");
            }
        }
    }

    private static float[] Run(Activation activation, float[] saved, DeviceKind device)
    {
        GraphBuilder builder = new();
        TensorType type = new(DType.F32, new Shape(saved.Length));
        Graph graph = builder.Build(
            builder.Add(OpCatalog.ActivateGradient, [builder.Input("dy", type), builder.Input("saved", type)], new ActivateAttributes(activation)));
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Device = device, Threads = 1 });
        executable.Input(0).Fill(1);
        saved.CopyTo(executable.Input(1));
        executable.Run();
        return executable.Output().ToArray();
    }
}
