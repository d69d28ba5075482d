using System.Runtime.CompilerServices;
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
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
/// <param name="Prepare">Gives operands the form that the operator expects of them, in place: a variance, a distribution, a whole number.</param>
/// <param name="Terms">Where bounds follow from terms: the sum of the terms' sizes for each element of each result, from the operands. Null derives it from the
/// operator.</param>
internal sealed record OpCase(
    Op Op, OpAttributes Attributes, Shape[] Shapes, float Low = -2, float High = 2, double Ulps = 0, Action<float[][]>? Prepare = null,
    Func<float[][], double[][]>? Terms = null)
{
    /// <summary>
    /// Types of the operands; empty where all are float32. Operands of 8 bits have all numbers of their type, those of 32 bits some thousands.
    /// </summary>
    public DType[] Types { get; init; } = [];

    /// <summary>The type of an operand.</summary>
    public TensorType Type(int operand) => new(Types.Length == 0 ? DType.F32 : Types[operand], Shapes[operand]);

    /// <summary>The operands as inputs of a graph, x0 and so on.</summary>
    public Value[] Inputs(GraphBuilder builder) => [.. Shapes.Select((_, i) => builder.Input($"x{i}", Type(i)))];

    public override string ToString() => $"{Op.Name} {Attributes} on {string.Join(' ', Shapes)}";
}

/// <summary>
/// Runs cases on the CPU device with one and three threads, with operands fed and constant, and on the serial device. All results are compared. Operands that
/// the operator updates are variables.
/// </summary>
internal static unsafe class OpSweep
{
    public static void Check(OpCase test)
    {
        float[][] operands = Operands(test, withNaN: false);
        double[][] expected = Reference(test, operands);
        (double[][] scale, int terms) = test.Ulps > 0 ? ([], 1) : Scale(test, operands, expected);
        Compare(test, Run(test, operands, DeviceKind.Serial, 1, constants: false), expected, scale, terms, "serial");
        float[][]? one = null;
        foreach (int threads in (int[])[1, 3])
        {
            float[][] fed = Run(test, operands, DeviceKind.Cpu, threads, constants: false);
            Compare(test, fed, expected, scale, terms, $"{threads} thread(s)");
            if (test.Shapes.Length > 1) Expect.Same(fed, Run(test, operands, DeviceKind.Cpu, threads, constants: true));
            one ??= fed;
            Expect.Same(one, fed);
        }
    }

    /// <summary>One case on another device, with operands fed and constant.</summary>
    public static void Check(OpCase test, Device device)
    {
        float[][] operands = Operands(test, withNaN: false);
        double[][] expected = Reference(test, operands);
        (double[][] scale, int terms) = test.Ulps > 0 ? ([], 1) : Scale(test, operands, expected);
        CompileOptions options = new() { OtherDevice = device, Threads = 1 };
        float[][] fed = Run(test, operands, options, constants: false);
        Compare(test, fed, expected, scale, terms, device.Name);
        if (test.Shapes.Length > 1) Expect.Same(fed, Run(test, operands, options, constants: true));
    }

    /// <summary>NaN in the first operand must come out where the definition says.</summary>
    public static void CheckNaN(OpCase test) => CheckNaN(test, new CompileOptions { Threads = 1 });

    /// <summary>NaN in the first operand must come out where the definition says, on another device.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void CheckNaN(OpCase test, CompileOptions options)
    {
        float[][] operands = Operands(test, withNaN: true);
        double[][] expected = Reference(test, operands);
        float[][] actual = Run(test, operands, options, constants: false);
        for (int k = 0; k < actual.Length; k++)
        {
            for (int i = 0; i < actual[k].Length; i++)
                Expect.True(
                    double.IsNaN(expected[k][i]) == float.IsNaN(actual[k][i]),
                    $"{test}, result {k}, element {i}: {actual[k][i]}, the definition says {expected[k][i]}");
        }
    }

    /// <summary>Seeded contents for the operands of a case, inside its range.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float[][] Operands(OpCase test, bool withNaN)
    {
        float[][] operands = new float[test.Shapes.Length][];
        for (int i = 0; i < operands.Length; i++)
        {
            float[] values = TestGraphs.Noise(test.Shapes[i].ElementCount, (uint)(17 + i));
            (float low, float high) = test.Type(i).DType switch
            {
                DType.F32 => (test.Low, test.High),
                DType.I8 => (sbyte.MinValue, sbyte.MaxValue),
                DType.U8 => (byte.MinValue, byte.MaxValue),
                _ => (-30_000f, 30_000f),
            };
            for (int k = 0; k < values.Length; k++) values[k] = low + ((values[k] + 1) / 2 * (high - low));
            if (test.Type(i).DType != DType.F32) values = Array.ConvertAll(values, x => (float)Math.Round(x));
            operands[i] = values;
        }

        if (test.Op is BatchNorm)
        {
            for (int c = 0; c < operands[4].Length; c++) operands[4][c] = Math.Abs(operands[4][c]) + 0.05f;
        }

        test.Prepare?.Invoke(operands);
        bool hasNaN = withNaN && test.Type(0).DType == DType.F32;
        for (int k = 0; hasNaN && k < operands[0].Length; k += 7) operands[0][k] = float.NaN;
        return operands;
    }

    /// <summary>The sums of the terms' sizes, and how many terms there are.</summary>
    public static (double[][] Scale, int Terms) Scale(OpCase test, float[][] operands, double[][] expected)
    {
        if (test.Terms is not null) return (test.Terms(operands), 4);
        if (test.Op.UpdatedInput(0) >= 0) return (UpdateScale(test, operands, expected), 4);

        // The same node without activation on absolute values.
        float[][] absolute = Array.ConvertAll(operands, operand => Array.ConvertAll(operand, Math.Abs));
        if (test.Op is BatchNorm) absolute[3] = Array.ConvertAll(absolute[3], mean => -mean);

        // Which elements win must stay as it is.
        if (test.Op is MaxPool2dGradient) (absolute[0], absolute[1]) = (operands[0], operands[1]);

        // A difference of two sums, whose terms no other operands show.
        if (test.Op is LocalResponseNormGradient) return (Array.ConvertAll(expected, Largest), 4);
        (OpAttributes plain, int terms) = test.Attributes switch
        {
            Conv2dAttributes a => ((OpAttributes)(a with { Activation = default }), test.Shapes[1].Product(1, 4) + 2),
            DepthwiseConv2dAttributes a => (a with { Activation = default }, test.Shapes[1].Product(1, 3) + 1),
            InvertedResidualAttributes a => Plain(a, test.Shapes),
            DenseAttributes a => (a with { Activation = default }, test.Shapes[1][1] + 1),
            MatMulAttributes a => (a, test.Shapes[0][a.TransposeA ? 0 : 1]),
            Conv2dGradientAttributes a =>
                (a, test.Op is Conv2dFilterGradient or DepthwiseConv2dFilterGradient
                ? test.Shapes[1].Product(0, 3)
                : test.Shapes[0][3] / a.Groups * test.Shapes[1].Product(1, 3)),
            DepthwiseConv2dGradientAttributes a => (Unclipped(a), test.Shapes[0].Product(0, 3) + test.Shapes[2].Product(1, 3)),
            AveragePool2dAttributes a => (a with { Activation = default }, a.Window.KernelH * a.Window.KernelW),
            MaxPool2dAttributes a => (a, a.Window.KernelH * a.Window.KernelW),
            AveragePool2dGradientAttributes a => (a, a.Window.KernelH * a.Window.KernelW),
            ReduceAttributes a => (a, Math.Max(1, test.Shapes[0].ElementCount / Math.Max(1, expected[0].Length))),
            _ => (test.Attributes, 4),
        };
        double[][] scale = Reference(test with { Attributes = plain }, absolute);
        return (test.Op is ConvolutionMoments ? MomentScale(scale) : scale, terms);
    }

    /// <summary>
    /// A deviation carries the rounding of the result and of the mean: an error of a term in its square. The rest is one of the mean's last places.
    /// </summary>
    private static double[][] MomentScale(double[][] scale)
    {
        int channels = scale[1].Length, rows = scale[0].Length / channels;
        double[] squares = new double[channels];
        for (int i = 0; i < scale[0].Length; i++) squares[i % channels] += scale[0][i] * scale[0][i] / rows;
        return [scale[0], scale[1], squares, scale[1]];
    }

    /// <summary>The same results without what a clipping takes away.</summary>
    private static DepthwiseConv2dGradientAttributes Unclipped(DepthwiseConv2dGradientAttributes a) =>
        a.InputActivation.Kind == ActivationKind.None ? a : a with { InputActivation = Activation.Clip(float.NegativeInfinity, float.PositiveInfinity) };

    /// <summary>A block without activations, and the terms of its three sums.</summary>
    private static (OpAttributes Attributes, int Terms) Plain(InvertedResidualAttributes a, Shape[] shapes)
    {
        InvertedResidualAttributes plain = new(
            a.Expand is null ? null : a.Expand with { Activation = default }, a.Depthwise with { Activation = default },
            a.Project is null ? null : a.Project with { Activation = default });
        return (plain, shapes[0][3] + shapes[a.DepthwiseFilter].Product(1, 3) + (a.Project is null ? 0 : shapes[a.ProjectFilter][3]) + 4);
    }

    /// <summary>An update adds a change to what was there: old, change and new.</summary>
    private static double[][] UpdateScale(OpCase test, float[][] operands, double[][] expected)
    {
        double[][] scale = new double[expected.Length][];
        for (int k = 0; k < scale.Length; k++)
        {
            float[] old = operands[test.Op.UpdatedInput(k)];
            scale[k] = new double[old.Length];
            for (int i = 0; i < old.Length; i++) scale[k][i] = Math.Abs(old[i]) + Math.Abs(expected[k][i]) + Math.Abs(expected[k][i] - old[i]);
        }

        return scale;
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

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compare(OpCase test, float[][] actual, double[][] expected, double[][] scale, int terms, string where)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int k = 0; k < actual.Length; k++)
        {
            Assert.Equal(expected[k].Length, actual[k].Length);
            for (int i = 0; i < actual[k].Length; i++)
            {
                double bound = test.Ulps > 0 ? Tolerance.Ulps(expected[k][i], test.Ulps) : Tolerance.Sum(Math.Abs(scale[k][i]) + 1e-3, terms, rel: 2);
                Tolerance.Check(actual[k][i], expected[k][i], bound, $"{test}, {where}, result {k}, element {i}");
            }
        }
    }

    private static float[][] Run(OpCase test, float[][] operands, DeviceKind device, int threads, bool constants) =>
        Run(test, operands, new CompileOptions { Device = device, Threads = threads }, constants);

    /// <summary>The results of a case, which must be the same in a second run.</summary>
    /// <param name="test">The case.</param>
    /// <param name="operands">Its operands.</param>
    /// <param name="options">What computes.</param>
    /// <param name="constants">Whether all operands but the first and those that are updated are constants.</param>
    public static float[][] Run(OpCase test, float[][] operands, CompileOptions options, bool constants)
    {
        GraphBuilder builder = new();
        Variable?[] variables = Variables(test, operands);
        Value[] values = new Value[operands.Length];
        for (int i = 0; i < values.Length; i++)
        {
            if (variables[i] is Variable variable) values[i] = builder.Variable(variable);
            else if (constants && i > 0) values[i] = builder.Constant($"c{i}", new TensorData(test.Type(i), Bytes(test.Type(i).DType, operands[i])));
            else values[i] = builder.Input($"x{i}", test.Type(i));
        }

        Graph graph = builder.Build([.. builder.AddNode(test.Op, values, test.Attributes).Outputs]);
        using VariableStore store = new([.. variables.OfType<Variable>()], Device.Of(options));
        using Executable executable = Executable.CompileAsIs(graph, options, store);
        float[][] first = RunOnce(executable, operands);
        store.Reset();
        Expect.Same(first, RunOnce(executable, operands));
        if (options is { OtherDevice: null, Device: DeviceKind.Cpu, Threads: 1 })
        {
            Expect.True(ProcessMeasurements.LeastAllocatedHere(executable.Run) == 0, $"{test} allocates while it runs");
        }

        return first;
    }

    private static float[][] RunOnce(Executable executable, float[][] operands)
    {
        for (int i = 0; i < executable.Graph.Inputs.Count; i++)
        {
            float[] operand = operands[int.Parse(executable.Graph.Inputs[i].Name.AsSpan(1), CultureInfo.InvariantCulture)];
            executable.WriteBytes(i, Bytes(executable.Graph.Inputs[i].Type.DType, operand));
        }

        executable.Run();
        float[][] results = new float[executable.Graph.Outputs.Count][];
        for (int k = 0; k < results.Length; k++)
        {
            TensorType type = executable.Graph.Outputs[k].Type;
            results[k] = new float[type.Shape.ElementCount];
            if (type.DType == DType.F32)
            {
                executable.Read(k, results[k]);
                continue;
            }

            byte[] bytes = new byte[type.SizeBytes];
            executable.ReadBytes(k, bytes);
            fixed (byte* from = bytes)
            fixed (float* to = results[k])
                Elements.Load(type.DType, from, to, results[k].Length);
        }

        return results;
    }

    private static byte[] Bytes(DType type, float[] values)
    {
        byte[] bytes = new byte[values.Length * type.SizeBytes()];
        fixed (float* from = values)
        fixed (byte* to = bytes)
            Elements.Convert(DType.F32, from, type, to, values.Length);
        return bytes;
    }

    /// <summary>A variable for each operand that the operator updates, with the operand as its first contents.</summary>
    private static Variable?[] Variables(OpCase test, float[][] operands)
    {
        Variable?[] variables = new Variable?[operands.Length];
        int results = test.Op.InferTypes([.. test.Shapes.Select((_, i) => test.Type(i))], test.Attributes).Length;
        for (int k = 0; k < results; k++)
        {
            if (test.Op.UpdatedInput(k) is int i and >= 0)
            {
                variables[i] ??= new Variable($"v{i}", test.Shapes[i], VariableKind.Weight, TensorData.FromFloats(test.Shapes[i], operands[i]));
            }
        }

        return variables;
    }

    /// <summary>The results of the definition, in double.</summary>
    public static double[][] Reference(OpCase test, float[][] operands)
    {
        GraphBuilder builder = new();
        Node node = builder.AddNode(test.Op, test.Inputs(builder), test.Attributes);
        double[][] memory = Array.ConvertAll(operands, operand => Array.ConvertAll(operand, x => (double)x));
        double[][] results = [.. node.Outputs.Select(output => new double[output.Shape.ElementCount])];
        List<GCHandle> pins = [];
        try
        {
            RefTensor<double>[] inputs = new RefTensor<double>[memory.Length], outputs = new RefTensor<double>[results.Length];
            for (int i = 0; i < inputs.Length; i++) inputs[i] = new RefTensor<double>(Pin(memory[i], pins), test.Shapes[i]);
            for (int k = 0; k < outputs.Length; k++)
            {
                Array.Fill(results[k], double.NaN);
                outputs[k] = new RefTensor<double>(Pin(results[k], pins), node.Outputs[k].Shape);
            }

            test.Op.Reference(new ReferenceArgs<double>(node, inputs, outputs));
        }
        finally
        {
            foreach (GCHandle pin in pins) pin.Free();
        }

        return results;
    }

    private static double* Pin(double[] array, List<GCHandle> pins)
    {
        pins.Add(GCHandle.Alloc(array, GCHandleType.Pinned));
        return (double*)pins[^1].AddrOfPinnedObject();
    }
}
