using System;
using System.Collections.Generic;
using Thomas.Kernels.Activations;
using Thomas.Kernels.Quantized;
using Thomas.Ops;
using Xunit;

namespace Thomas.Tests.Ops;

/// <summary>Functions of single 8-bit numbers stay within a step of the real numbers; their bytes are compared with runtimes elsewhere.</summary>
public sealed class QuantizedTablesTests
{
    private static readonly StepGrid[] Inputs = [new(0.05f, -11, -128, 127), new(0.021f, 90, 0, 255), new(0.21f, 3, -128, 127)];

    public static TheoryData<string, float, float, float> Functions { get; } = new()
    {
        { nameof(ActivationKind.LeakyRelu), 0.1f, 0, 0.04f },
        { nameof(ActivationKind.LeakyRelu), 0.3f, 0, 0.071f },
        { nameof(ActivationKind.LeakyRelu), 0.001f, 0, 0.09f },
        { nameof(ActivationKind.HardSwish), 0, 0, 0.03f },
        { nameof(ActivationKind.HardSwish), 0, 0, 0.11f },
        { nameof(ActivationKind.Relu), 0, 0, 0.05f },
        { nameof(ActivationKind.Relu6), 0, 0, 6f / 255 },
        { nameof(ActivationKind.Clip), -1, 1, 0.01f },
        { nameof(ActivationKind.Sigmoid), 0, 0, 1f / 256 },
        { nameof(ActivationKind.Tanh), 0, 0, 1f / 128 },
    };

    [Theory]
    [MemberData(nameof(Functions))]
    public void A_table_is_within_a_step_of_the_function(string kind, float a, float b, float scale)
    {
        Activation activation = new(Enum.Parse<ActivationKind>(kind), a, b);
        foreach (StepGrid x in Inputs)
        {
            StepGrid y = new(scale, x.Minimum + 100, x.Minimum, x.Maximum);
            HashSet<int> seen = [];
            foreach (RequantizationRule rule in Enum.GetValues<RequantizationRule>())
            {
                foreach (QuantizedArithmetic arithmetic in Enum.GetValues<QuantizedArithmetic>())
                {
                    LookUpAttributes table = LookUpAttributes.Of(x, y, "test", QuantizedTables.Function(x, y, activation, rule, arithmetic));
                    for (int i = 0; i < LookUpAttributes.Length; i++)
                    {
                        float exact = activation.Function.Value(x.Real(table.First + i));
                        int wanted = y.Step(exact);
                        Assert.True(Math.Abs(table.Table[i] - wanted) <= 1, $"{kind} {rule} {arithmetic}: {table.Table[i]} for {exact}, which is {wanted}");
                        seen.Add(table.Table[i]);
                    }
                }
            }

            Assert.True(seen.Count > 5, $"{kind} has {seen.Count} results");
        }
    }

    [Fact]
    public void Parts_of_a_concatenation_are_within_a_step()
    {
        foreach (StepGrid x in Inputs)
        {
            StepGrid y = new(0.06f, x.Minimum + 120, x.Minimum, x.Maximum);
            LookUpAttributes table = LookUpAttributes.Of(x, y, "test", QuantizedTables.Join(x, y, RequantizationRule.Float, QuantizedArithmetic.TfLite));
            for (int i = 0; i < LookUpAttributes.Length; i++) Assert.InRange(table.Table[i] - y.Step(x.Real(table.First + i)), -1, 1);
        }
    }
}
