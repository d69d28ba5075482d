using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Harness;

/// <summary>One node to run on every device, against the definition in double.</summary>
/// <param name="Op">The operator.</param>
/// <param name="Attributes">Its settings.</param>
/// <param name="Shapes">Shapes of the operands.</param>
/// <param name="Low">Smallest operand value.</param>
/// <param name="High">Largest operand value.</param>
/// <param name="Ulps">Allowed error in units of the result's last place, for element-wise operators; 0 for sums, whose bound follows from their terms.</param>
internal sealed record OpCase(Op Op, OpAttributes Attributes, Shape[] Shapes, float Low = -2, float High = 2, double Ulps = 0)
{
    public override string ToString() => $"{Op.Name} {Attributes} on {string.Join(' ', Shapes)}";
}

/// <summary>Runs cases on the CPU device with one and three threads, with operands fed and constant, and on the serial device.</summary>
internal static unsafe class OpSweep
{
    public static void Check(OpCase test)
    {
        float[][] operands = Operands(test, withNaN: false);
        (double[] expected, double[] scale, int terms) = Expected(test, operands);
        Compare(test, Run(test, operands, DeviceKind.Serial, 1, constants: false), expected, scale, terms, "serial");
        foreach (int threads in (int[])[1, 3])
        {
            float[] fed = Run(test, operands, DeviceKind.Cpu, threads, constants: false);
            Compare(test, fed, expected, scale, terms, $"{threads} thread(s)");
            if (test.Shapes.Length > 1) Assert.Equal(fed, Run(test, operands, DeviceKind.Cpu, threads, constants: true));
        }
    }

    /// <summary>NaN in the first operand must come out where the definition says.</summary>
    public static void CheckNaN(OpCase test)
    {
        float[][] operands = Operands(test, withNaN: true);
        double[] expected = Reference(test, operands);
        float[] actual = Run(test, operands, DeviceKind.Cpu, 1, constants: false);
        for (int i = 0; i < actual.Length; i++)
            Assert.True(double.IsNaN(expected[i]) == float.IsNaN(actual[i]), $"{test}, element {i}: {actual[i]}, the definition says {expected[i]}");
    }

    /// <summary>Seeded contents for the operands of a case, inside its range.</summary>
    public static float[][] Operands(OpCase test, bool withNaN)
    {
        float[][] operands = new float[test.Shapes.Length][];
        for (int i = 0; i < operands.Length; i++)
        {
            float[] values = TestGraphs.Noise(test.Shapes[i].ElementCount, (uint)(17 + i));
            for (int k = 0; k < values.Length; k++) values[k] = test.Low + ((values[k] + 1) / 2 * (test.High - test.Low));
            operands[i] = values;
        }

        if (test.Op is BatchNorm)
        {
            for (int c = 0; c < operands[4].Length; c++) operands[4][c] = Math.Abs(operands[4][c]) + 0.05f;
        }

        for (int k = 0; withNaN && k < operands[0].Length; k += 7) operands[0][k] = float.NaN;
        return operands;
    }

    private static (double[] Expected, double[] Scale, int Terms) Expected(OpCase test, float[][] operands)
    {
        double[] expected = Reference(test, operands);
        if (test.Ulps > 0) return (expected, [], 1);

        // The sum of the terms' sizes: the same node without activation on absolute values.
        float[][] absolute = Array.ConvertAll(operands, operand => Array.ConvertAll(operand, Math.Abs));
        if (test.Op is BatchNorm) absolute[3] = Array.ConvertAll(absolute[3], mean => -mean);

        // Which elements win must stay as it is.
        if (test.Op is MaxPool2dGradient) (absolute[0], absolute[1]) = (operands[0], operands[1]);

        // A difference of two sums, whose terms no other operands show.
        if (test.Op is LocalResponseNormGradient) return (expected, Largest(expected), 4);
        (OpAttributes plain, int terms) = test.Attributes switch
        {
            Conv2dAttributes a => ((OpAttributes)(a with { Activation = default }), test.Shapes[1].Product(1, 4) + 2),
            DepthwiseConv2dAttributes a => (a with { Activation = default }, test.Shapes[1].Product(1, 3) + 1),
            DenseAttributes a => (a with { Activation = default }, test.Shapes[1][1] + 1),
            MatMulAttributes a => (a, test.Shapes[0][a.TransposeA ? 0 : 1]),
            Conv2dGradientAttributes a => (a, test.Op is Conv2dFilterGradient or DepthwiseConv2dFilterGradient ? test.Shapes[1].Product(0, 3) : test.Shapes[0][3] / a.Groups * test.Shapes[1].Product(1, 3)),
            AveragePool2dAttributes a => (a with { Activation = default }, a.Window.KernelH * a.Window.KernelW),
            MaxPool2dAttributes a => (a, a.Window.KernelH * a.Window.KernelW),
            AveragePool2dGradientAttributes a => (a, a.Window.KernelH * a.Window.KernelW),
            ReduceAttributes a => (a, Math.Max(1, test.Shapes[0].ElementCount / Math.Max(1, expected.Length))),
            _ => (test.Attributes, 4),
        };
        return (expected, Reference(test with { Attributes = plain }, absolute), terms);
    }

    /// <summary>The largest size among the values, for each of them.</summary>
    private static double[] Largest(double[] values)
    {
        double largest = 0;
        foreach (double value in values) largest = Math.Max(largest, Math.Abs(value));
        double[] scale = new double[values.Length];
        Array.Fill(scale, largest);
        return scale;
    }

    private static void Compare(OpCase test, float[] actual, double[] expected, double[] scale, int terms, string where)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < actual.Length; i++)
        {
            string place = $"{test}, {where}, element {i}";
            if (test.Ulps > 0) Tolerance.CheckUlps(actual[i], expected[i], test.Ulps, place);
            else Tolerance.Check(actual[i], expected[i], Math.Abs(scale[i]) + 1e-3, terms, place, rel: 2);
        }
    }

    private static float[] Run(OpCase test, float[][] operands, DeviceKind device, int threads, bool constants)
    {
        GraphBuilder builder = new();
        Value[] values = new Value[operands.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = constants && i > 0
                ? builder.Constant($"c{i}", TensorData.FromFloats(test.Shapes[i], operands[i]))
                : builder.Input($"x{i}", new TensorType(DType.F32, test.Shapes[i]));
        }

        Graph graph = builder.Build(builder.Add(test.Op, values, test.Attributes));
        using Executable executable = Executable.CompileAsIs(graph, new CompileOptions { Device = device, Threads = threads });
        for (int i = 0; i < executable.Graph.Inputs.Count; i++) operands[i].CopyTo(executable.Input(i));
        executable.Run();
        float[] first = executable.Output().ToArray();
        for (int i = 0; i < executable.Graph.Inputs.Count; i++) operands[i].CopyTo(executable.Input(i));
        executable.Run();
        Assert.Equal(first, executable.Output().ToArray());
        return first;
    }

    private static double[] Reference(OpCase test, float[][] operands)
    {
        GraphBuilder builder = new();
        Value[] values = new Value[operands.Length];
        for (int i = 0; i < values.Length; i++) values[i] = builder.Input($"x{i}", new TensorType(DType.F32, test.Shapes[i]));
        Node node = builder.AddNode(test.Op, values, test.Attributes);
        double[][] memory = Array.ConvertAll(operands, operand => Array.ConvertAll(operand, x => (double)x));
        double[] result = new double[node.Output.Shape.ElementCount];
        Array.Fill(result, double.NaN);
        List<System.Runtime.InteropServices.GCHandle> pins = [];
        try
        {
            RefTensor<double>[] inputs = new RefTensor<double>[memory.Length];
            for (int i = 0; i < inputs.Length; i++) inputs[i] = new RefTensor<double>(Pin(memory[i], pins), test.Shapes[i]);
            test.Op.Reference(new ReferenceArgs<double>(node, inputs, [new RefTensor<double>(Pin(result, pins), node.Output.Shape)]));
        }
        finally
        {
            foreach (System.Runtime.InteropServices.GCHandle pin in pins) pin.Free();
        }

        return result;
    }

    private static double* Pin(double[] array, List<System.Runtime.InteropServices.GCHandle> pins)
    {
        pins.Add(System.Runtime.InteropServices.GCHandle.Alloc(array, System.Runtime.InteropServices.GCHandleType.Pinned));
        return (double*)pins[^1].AddrOfPinnedObject();
    }
}
