using System;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Thomas.Tests.Runtime;
using Xunit;

namespace Thomas.Tests.Ops;

/// <summary>Operands of 16 bits give the bits of the same numbers in float32, on every device.</summary>
public sealed class HalfOperandTests
{
    public static TheoryData<string, string> Operators
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (Op op in OpCatalog.All)
            {
                if (!OpCases.All().Any(test => ReferenceEquals(test.Op, op) && TakesHalves(test))) continue;
                data.Add(op.Name, nameof(DType.F16));
                data.Add(op.Name, nameof(DType.BF16));
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Operators))]
    public void Constants_and_fed_operands_have_the_bits_of_float32(string name, string type)
    {
        DType half = Enum.Parse<DType>(type);
        CompileOptions cpu = new() { Threads = 1 }, serial = new() { Device = DeviceKind.Serial };
        foreach (OpCase test in OpCases.All().Where(test => test.Op.Name == name && TakesHalves(test)).Where((_, i) => half == DType.F16 || i % 8 == 0))
        {
            float[][] operands = OpSweep.Operands(test, withNaN: false);
            float[] onSerial = Run(test, operands, half, false, true, serial), onCpu = Run(test, operands, half, false, true, cpu);
            Assert.Equal(onSerial, Run(test, operands, half, true, true, serial));
            Assert.Equal(onCpu, Run(test, operands, half, true, true, cpu));
            Assert.Equal(onCpu, Run(test, operands, half, true, true, DeviceTests.On(new MockDevice(HostDevice.Of(cpu)))));
            Assert.Equal(onSerial, Run(test, operands, half, true, true, DeviceTests.On(MockDevice.Serial())));

            // Halves that are computed are read by the definition, or by the few kernels that can, with the bits of the same numbers in float32.
            float[] computed = Run(test, operands, half, true, false, cpu);
            if (!Run(test, operands, half, false, false, serial).SequenceEqual(computed)) Assert.Equal(Run(test, operands, half, false, false, cpu), computed);
        }
    }

    [Fact]
    public void What_the_plan_says_of_constants_is_what_they_take()
    {
        GraphBuilder b = new();
        Value x = b.Input("x", new TensorType(DType.F32, new Shape(1, 8, 8, 32)));
        Value packed = b.Add(
            OpCatalog.Conv2d, [x, b.Weights("w", 1, 48, 1, 1, 32), b.Weights("b", 2, 48)], new Conv2dAttributes(new Window2d(1, 1), HasBias: true));
        Value read = b.Add(OpCatalog.DepthwiseConv2d, [packed, b.Weights("d", 3, 1, 3, 3, 48)], new DepthwiseConv2dAttributes(new Window2d(3, 3)));
        (Graph half, Graph widened) = Halves.Of(b.Build(read), DType.F16);
        CompileOptions options = new() { Threads = 1 };
        CompiledGraph inHalves = CompiledGraph.Create(half, options), inFloats = CompiledGraph.Create(widened, options);
        Assert.Equal(inFloats.FrozenBytes, 2 * inHalves.FrozenBytes);
        Assert.Equal(inFloats.Plan.ArenaBytes, inHalves.Plan.ArenaBytes);
        Assert.Equal(widened.Cost, half.Cost);

        // The filter that no kernel packs is widened once.
        Assert.Equal(inFloats.ConstantBytes + (sizeof(float) * 9 * 48), inHalves.ConstantBytes);
    }

    private static bool TakesHalves(OpCase test) => test.Types.Length == 0 && Enumerable.Range(0, test.Shapes.Length).Any(i => TakesHalves(test, i));

    private static bool TakesHalves(OpCase test, int operand) => test.Op.OperandTypes(operand, test.Attributes) == ElementTypes.Floats;

    private static float[] Run(OpCase test, float[][] operands, DType half, bool stays, bool constants, CompileOptions options)
    {
        GraphBuilder builder = new();
        TensorData[] data = new TensorData[operands.Length];
        Value[] values = new Value[operands.Length];
        for (int i = 0; i < values.Length; i++)
        {
            data[i] = TensorData.FromFloats(test.Shapes[i], operands[i]);
            if (TakesHalves(test, i) && (i > 0 || !constants)) data[i] = stays ? Halves.To(data[i], half) : Halves.To(data[i], half).ToF32();
            values[i] = constants && i > 0 ? builder.Constant($"c{i}", data[i]) : builder.Input($"x{i}", data[i].Type);
        }

        Graph graph = builder.Build([.. builder.AddNode(test.Op, values, test.Attributes).Outputs]);
        using Executable executable = Executable.CompileAsIs(graph, options);
        for (int i = 0; i < graph.Inputs.Count; i++) executable.WriteBytes(i, data[i].Bytes.Span);
        executable.Run();
        return [.. graph.Outputs.SelectMany((output, k) =>
        {
            float[] result = new float[output.Shape.ElementCount];
            executable.Read(k, result);
            return result;
        })];
    }
}
