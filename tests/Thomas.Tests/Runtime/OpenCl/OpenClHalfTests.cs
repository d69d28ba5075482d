using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Runtime.OpenCl;
using Thomas.Tests.Harness;
using Thomas.Tests.Ops;
using Xunit;

namespace Thomas.Tests.Runtime.OpenCl;

/// <summary>Every kernel that takes operands stored as 16-bit floats, against the definition on operands rounded so.</summary>
public sealed class OpenClHalfTests
{
    // Rounding to a 16-bit float is off by half a unit in the last place, of the number or of the smallest normal one.
    private const double Rounding = 1.0 / (1 << 11), LeastNormal = 1.0 / (1 << 14);

    public static TheoryData<string> OpNames => new(OpCatalog.All.Select(op => op.Name));

    /// <summary>Operators whose operands and results are all taken, by the page.</summary>
    public static TheoryData<string> Taken => new(
        "Conv2d", "Conv2dMoments", "InvertedResidual", "Dense", "MatMul", "DepthwiseConv2d", "BatchNorm", "BatchNormTraining", "MaxPool2d", "AveragePool2d",
        "Activate", "Add", "Multiply", "Concat", "Pad", "Slice", "Transpose", "BroadcastTo", "Reduce", "Softmax", "LocalResponseNorm", "Dropout");

    [Theory]
    [MemberData(nameof(OpNames))]
    public void Every_operator_agrees_with_its_definition(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach ((OpCase test, HalfOperands halves) in Cases(name, device)) Check(test, halves, device, ofScale: 0);
        Assert.Empty(device.Programs.Problems);
    }

    /// <summary>Products that add up some terms in 16 bits; where the device has no such arithmetic, with the same sums in 32 bits.</summary>
    [Theory]
    [InlineData("Conv2d")]
    [InlineData("Dense")]
    [InlineData("MatMul")]
    public void Sums_in_16_bits_agree_with_their_definition(string name)
    {
        OpenClDevice device = OpenClTesting.Open(words: "arithmetic=half tiles=registers no-self-test");
        int tried = 0;
        foreach ((OpCase test, HalfOperands halves) in Cases(name, device))
        {
            OpenClKernel kernel = NodeOf(test, halves).Op.CreateOpenClKernel(NodeOf(test, halves), Context(device) with { Halves = halves })!;
            if (!kernel.Launches.Any(launch => launch.Program.Macros.Contains(ProductLaunches.HalfSums, StringComparison.Ordinal))) continue;
            Check(test, halves, device, device.Info.HasHalf ? 16 * Rounding : 0);
            tried++;
        }

        Assert.NotEqual(0, tried);
        Assert.Empty(device.Programs.Problems);
    }

    [Fact]
    public void Arithmetic_that_a_device_does_not_have_is_refused()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        OpenClSettings settings = OpenClSettings.Parse("arithmetic=half");
        int number = int.Parse(device.Name["opencl:".Length..], CultureInfo.InvariantCulture);
        if (device.Info.HasHalf) Assert.True(OpenClDevice.Open(number, settings).Limits.HasHalfSums);
        else Assert.Contains("cl_khr_fp16", Assert.Throws<OpenClException>(() => OpenClDevice.Open(number, settings)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void NaN_comes_out_where_the_definition_says(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach ((OpCase test, HalfOperands halves) in Cases(name, device))
        {
            float[][] operands = Rounded(OpSweep.Operands(test, withNaN: true), halves);
            double[][] expected = OpSweep.Reference(test, operands);
            float[][] actual = Run(test, halves, operands, device);
            for (int k = 0; k < actual.Length; k++)
            {
                for (int i = 0; i < actual[k].Length; i++)
                    Expect.True(
                        double.IsNaN(expected[k][i]) == float.IsNaN(actual[k][i]),
                        $"{test}, {halves}, result {k}, element {i}: {actual[k][i]}, the definition says {expected[k][i]}");
            }
        }
    }

    /// <summary>The sweep would pass if no kernel took anything.</summary>
    [Theory]
    [MemberData(nameof(Taken))]
    public void Operators_of_the_forward_pass_take_their_first_operand_and_their_result(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        int tried = 0;
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name))
        {
            if (Most(test, device) is not HalfOperands halves) continue;
            Assert.True(halves.Input(0) && halves.Output(0), test.ToString());
            tried++;
        }

        Assert.NotEqual(0, tried);
    }

    /// <summary>One of each kind of kernel: what all of them have in common is the self-test.</summary>
    [Theory]
    [InlineData("Conv2d")]
    [InlineData("DepthwiseConv2d")]
    [InlineData("BatchNormTraining")]
    [InlineData("MaxPool2d")]
    [InlineData("Activate")]
    public void Right_programs_pass_the_self_test_and_all_are_tried(string name)
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach ((OpCase test, HalfOperands halves) in Cases(name, device))
        {
            Node node = NodeOf(test, halves);
            OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(node));
            Assert.True(device.IsReady(kernel) && device.IsTrusted(node, kernel), string.Join('\n', device.Problems));
        }

        Assert.Empty(device.Problems);
        Assert.DoesNotContain(device.SelfTest!.Verdicts, verdict => verdict.Outcome != OpenClOutcome.Passed);
    }

    [Fact]
    public void Results_are_rounded_to_the_nearest_even_one_and_overflow_to_infinity()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        float[] x =
        [
            0, -0f, 1, 1 + (1f / 2048), 1 + (3f / 2048), MathF.BitIncrement(1 + (1f / 2048)), -1 - (1f / 2048), 65504, 65519, 65520, -70000, 1e-8f,
            2.9802323e-8f, 2.9802326e-8f, 6e-8f, 1e-5f, float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.MaxValue,
        ];
        OpCase test = new(OpCatalog.Activate, new ActivateAttributes(Activation.None), [new Shape(x.Length)]);
        Expect.Same(Array.ConvertAll(x, value => (float)(Half)value), Run(test, new HalfOperands(0, 1), [x], device)[0]);

        // Each of the 65536 is read as what it is.
        float[] all = [.. Enumerable.Range(0, 1 << 16).Select(bits => (float)BitConverter.UInt16BitsToHalf((ushort)bits))];
        OpCase negate = new(OpCatalog.Negate, NoAttributes.Instance, [new Shape(all.Length)]);
        float[] read = Run(negate, new HalfOperands(1, 0), [all], device)[0];
        for (int i = 0; i < all.Length; i++) Expect.True(read[i].Equals(-all[i]), $"{i:x4}: {read[i]} instead of {-all[i]}");
    }

    /// <summary>A winner is found by equality, which rounding only one of both would break.</summary>
    [Fact]
    public void Gradients_of_maxima_take_operand_and_result_stored_alike()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        OpCase test = OpCases.All().First(test => test.Op is MaxPool2dGradient);
        OpenClKernel kernel = Assert.IsType<OpenClKernel>(test.Op.CreateOpenClKernel(NodeOf(test, default), Context(device)));
        Assert.NotNull(kernel.Storing(new HalfOperands(0b11, 0)));
        Assert.Null(kernel.Storing(new HalfOperands(0b01, 0)));
        Assert.Null(kernel.Storing(new HalfOperands(0b10, 0)));
    }

    /// <summary>Results at the bound of a clipping have no gradient: rounding must not move them off it.</summary>
    [Fact]
    public void Clipped_results_are_stored_so_only_where_the_bounds_are_such_numbers()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        foreach ((Activation activation, bool takes) in (IEnumerable<(Activation, bool)>)[
            (Activation.Relu6, true), (Activation.Clip(-0.5f, 1.25f), true), (Activation.Clip(-0.1f, 1), false), (Activation.Clip(0, 0.3f), false)])
        {
            foreach (Op op in (Op[])[OpCatalog.ActivateGradient, OpCatalog.ActivateBiasGradient])
            {
                OpCase test = new(op, new ActivateAttributes(activation), [new Shape(3, 8), new Shape(3, 8)]);
                OpenClKernel kernel = Assert.IsType<OpenClKernel>(op.CreateOpenClKernel(NodeOf(test, default), Context(device)));
                Assert.Equal(takes, kernel.Storing(new HalfOperands(0b10, 0)) is not null);
            }
        }
    }

    [Fact]
    public void The_tuner_measures_products_as_they_are_stored()
    {
        OpenClDevice device = OpenClTesting.RequireDevice();
        ProductHalves halves = new(A: true, B: false, C: true, Residual: false);
        Product product = new() { M = 40, N = 24, K = 64, LdA = 64, LdB = 24, LdC = 24, Halves = halves };
        Assert.NotEqual(ProductShape.Of(product), ProductShape.Of(product with { Halves = default }));
        using OpenClProductTrial trial = new(device, product);
        ProductChoice usual = ProductChoice.Default(product, device.Limits);
        Assert.NotNull(trial.Measure(usual, double.PositiveInfinity, 1));
        float[] expected = trial.ResultOf(usual)!;
        Assert.Contains(expected, value => value != 0);
        Assert.All(expected, value => Assert.Equal((float)(Half)value, value));
        foreach (ProductChoice choice in ProductChoice.Candidates(product, device.Limits, 4))
        {
            float[] actual = trial.ResultOf(choice)!;
            for (int i = 0; i < actual.Length; i++) Assert.Equal(expected[i], actual[i], 1e-5 + (2 * Rounding * Math.Abs(expected[i])));
        }
    }

    /// <summary>
    /// A case of each kernel of an operator, with all that it takes as 16-bit floats; all cases, with the operands of that and the results of that too, where a
    /// device was asked for: each is a program of its own to build. On the simulator, the smallest case of each kernel.
    /// </summary>
    private static IEnumerable<(OpCase Test, HalfOperands Halves)> Cases(string name, OpenClDevice device)
    {
        HashSet<string> seen = [];
        bool isSimulator = OpenClTesting.IsSimulator(device), isThorough = OpenClTesting.IsAsked && !isSimulator;
        foreach (OpCase test in isSimulator ? OpenClSweepTests.CasesWithKernels(name, device) : OpCases.All().Where(test => test.Op.Name == name))
        {
            if (test.Types.Length > 0 || Most(test, device) is not HalfOperands most) continue;
            if (most == default)
            {
                // On the simulator this is also the search for memory that is used before it is written, in all kernels but updates, which work in place.
                if (isSimulator && test.Op is not (UpdateOp or MovingAverage)) yield return (test, most);
                continue;
            }

            OpenClKernel kernel = test.Op.CreateOpenClKernel(NodeOf(test, default), Context(device))!;
            if (!isThorough && !seen.Add(kernel.Name)) continue;
            HashSet<HalfOperands> all = isThorough
                ? [most, most with { Outputs = 0 }, most with { Inputs = 0 }, most with { Inputs = most.Inputs & 1 }]
                : [most];
            foreach (HalfOperands halves in all)
            {
                if (halves != default && kernel.Storing(halves) is not null) yield return (test, halves);
            }
        }
    }

    /// <summary>Compares results with the definition; of the terms' size each may be off by some part more.</summary>
    private static void Check(OpCase test, HalfOperands halves, OpenClDevice device, double ofScale)
    {
        float[][] operands = Rounded(OpSweep.Operands(test, withNaN: false), halves);
        double[][] expected = OpSweep.Reference(test, operands);
        (double[][] scale, int terms) = test.Ulps > 0 ? ([], 1) : OpSweep.Scale(test, operands, expected);
        float[][] actual = Run(test, halves, operands, device);
        for (int k = 0; k < actual.Length; k++)
        {
            for (int i = 0; i < actual[k].Length; i++)
            {
                double right = expected[k][i];
                double bound = test.Ulps > 0 ? Tolerance.Ulps(right, test.Ulps) : Tolerance.Sum(Math.Abs(scale[k][i]) + 1e-3, terms, rel: 2);
                bound += ofScale * (test.Ulps > 0 ? Math.Abs(right) : Math.Abs(scale[k][i]));
                if (halves.Output(k))
                {
                    bound += Rounding * (Math.Max(Math.Abs(right), LeastNormal) + bound);
                    if (float.IsInfinity((float)(Half)right)) right = (float)(Half)right;
                }

                // Statistics may be those of the result as it is stored.
                if (k > 0 && test.Op is Conv2dMoments && halves.Output(0)) bound += Rounding * (scale[k][i] + LeastNormal);
                Tolerance.Check(actual[k][i], right, bound, $"{test}, {halves}, result {k}, element {i}");
            }
        }
    }

    /// <summary>All that the kernel of a case takes as 16-bit floats; null if it has no kernel.</summary>
    private static HalfOperands? Most(OpCase test, OpenClDevice device)
    {
        Node node = NodeOf(test, default);
        if (node.Op.CreateOpenClKernel(node, Context(device)) is not { ReadsOwnTypes: false } kernel) return null;
        ulong inputs = 0, outputs = 0, otherInputs = 0, otherOutputs = 0;
        foreach (LaunchArgument argument in kernel.Launches.SelectMany(launch => launch.Arguments))
        {
            if (argument.Kind == LaunchArgumentKind.Input) (argument.Element is null ? ref otherInputs : ref inputs) |= 1UL << argument.Index;
            if (argument.Kind == LaunchArgumentKind.Output) (argument.Element is null ? ref otherOutputs : ref outputs) |= 1UL << argument.Index;
        }

        return new HalfOperands(inputs & ~otherInputs, outputs & ~otherOutputs);
    }

    private static OpenClKernelContext Context(OpenClDevice device) => new(device.Limits, static _ => false);

    private static float[][] Rounded(float[][] operands, HalfOperands halves) =>
        [.. operands.Select((values, i) => halves.Input(i) ? Array.ConvertAll(values, value => (float)(Half)value) : values)];

    /// <summary>A node whose operands and results are marked; other nodes make its operands.</summary>
    private static Node NodeOf(OpCase test, HalfOperands halves)
    {
        GraphBuilder builder = new();
        Value[] inputs = new Value[test.Shapes.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            inputs[i] = builder.Input($"x{i}", new TensorType(DType.F32, test.Shapes[i]));
            builder.Halves = 1;
            if (halves.Input(i)) inputs[i] = builder.Add(OpCatalog.Negate, [inputs[i]]);
        }

        builder.Halves = halves.Outputs;
        return builder.AddNode(test.Op, inputs, test.Attributes);
    }

    /// <summary>Runs the kernel of a case on operands that are stored as is asked for. Nothing of its memory is zero before.</summary>
    private static float[][] Run(OpCase test, HalfOperands halves, float[][] operands, OpenClDevice device)
    {
        Node node = NodeOf(test, halves);
        OpenClKernel kernel = Assert.IsType<OpenClKernel>(device.CreateKernel(node));
        Assert.True(device.IsReady(kernel), string.Join('\n', device.Problems));
        long size = 0;
        long[] inputs = [.. node.Inputs.Select(input => Reserve(input.StoredBytes))], outputs = [.. node.Outputs.Select(output => Reserve(output.StoredBytes))];
        long workspace = Reserve(kernel.Workspace), constants = Reserve(kernel.Constants);
        using DeviceMemory memory = device.Allocate(size);
        byte[] noise = new byte[size];
        Array.Fill(noise, (byte)0xFF);
        memory.Write(0, noise);
        for (int i = 0; i < operands.Length; i++)
        {
            memory.Write(
                inputs[i],
                node.Inputs[i].IsHalf
                    ? MemoryMarshal.AsBytes(Array.ConvertAll(operands[i], value => (Half)value).AsSpan())
                    : MemoryMarshal.AsBytes(operands[i].AsSpan()));
        }

        PlacedKernel placed = new(
            kernel, node, [.. node.Inputs.Select((input, i) => new MemorySpan(memory, inputs[i], input.StoredBytes))],
            [.. node.Outputs.Select((output, k) => new MemorySpan(memory, outputs[k], output.StoredBytes))], Span(workspace, kernel.Workspace),
            Span(constants, kernel.Constants), Packs: true);
        using Segment segment = device.Bind([placed], null!);
        segment.Run();
        float[][] results = new float[outputs.Length][];
        for (int k = 0; k < results.Length; k++)
        {
            byte[] bytes = new byte[node.Outputs[k].StoredBytes];
            memory.Read(outputs[k], bytes);
            results[k] = node.Outputs[k].IsHalf
                ? Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(bytes).ToArray(), value => (float)value) : MemoryMarshal.Cast<byte, float>(bytes).ToArray();
        }

        return results;

        MemorySpan Span(long offset, long bytes) => bytes == 0 ? default : new MemorySpan(memory, offset, bytes);

        long Reserve(long bytes)
        {
            long offset = size;
            size += (bytes + device.Alignment - 1) & -device.Alignment;
            return offset;
        }
    }
}
