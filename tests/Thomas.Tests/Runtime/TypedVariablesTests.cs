using System;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Training;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Runtime;

/// <summary>
/// Variables of every type are stored, copied, swapped, computed with, written to checkpoints and read back, on the host and on a device of its own.
/// </summary>
public sealed class TypedVariablesTests
{
    public static TheoryData<string, bool> Kinds
    {
        get
        {
            TheoryData<string, bool> kinds = [];
            foreach (string type in (string[])["F32", "F16", "BF16", "I8", "U8", "I32"])
            {
                kinds.Add(type, false);
                kinds.Add(type, true);
            }

            return kinds;
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Contents_are_set_copied_swapped_and_reset(string name, bool onMock)
    {
        DType type = Enum.Parse<DType>(name);
        (Variable a, Variable b) = (Of("a", type, 1), Of("b", type, 2));
        using VariableStore store = new([a, b, Of("zeros", type, null)], onMock ? MockDevice.Serial() : null);
        Assert.Equal(Bytes(type, 1), Read(store, a));
        store.Swap(a, b);
        Assert.Equal([Bytes(type, 2), Bytes(type, 1)], [Read(store, a), Read(store, b)]);
        store.WriteBytes(a, Bytes(type, 3));
        store.Copy(a, b);
        Assert.Equal(Bytes(type, 3), Read(store, b));
        Assert.All(Read(store, store.Variables[2]), value => Assert.Equal(0, value));
        store.Reset();
        Assert.Equal([Bytes(type, 1), Bytes(type, 2)], [Read(store, a), Read(store, b)]);
        Assert.Throws<ArgumentException>(() => store.WriteBytes(a, new byte[3]));
        if (type == DType.F32) return;
        Assert.Throws<InvalidOperationException>(() => store.Write(a, new float[5]));
        Assert.Throws<InvalidOperationException>(() => store.Read(a, new float[5]));
        Assert.Contains($"'a' holds {type}, not F32", Assert.Throws<InvalidOperationException>(() => store[a].Length).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_of_different_types_are_not_exchanged_though_they_have_the_same_size()
    {
        Variable integers = Of("integers", DType.I32, 1), floats = Of("floats", DType.F32, 2);
        using VariableStore store = new([integers, floats]);
        Assert.Contains(
            "integers: I32[5] and floats: F32[5] differ in type", Assert.Throws<ArgumentException>(() => store.Swap(integers, floats)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => store.Copy(integers, floats));
    }

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void A_variable_of_F32_begins_with_the_numbers_of_16_bits_that_it_is_given(string name)
    {
        TensorData half = Halves.To(TensorData.FromFloats(new Shape(11), TestGraphs.Noise(11, 1)), Enum.Parse<DType>(name));
        Variable master = new("w", half.Type.Shape, VariableKind.Weight, half);
        using VariableStore store = new([master]);
        Assert.Equal(half.ToFloats(), store[master].ToArray());
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_graph_computes_with_them(string name, bool onMock)
    {
        DType type = Enum.Parse<DType>(name);
        Variable variable = Of("v", type, 1);
        CompileOptions options = onMock ? DeviceTests.On(MockDevice.Serial(OpCatalog.Cast)) : new() { Threads = 1 };
        GraphBuilder builder = new();
        Graph graph = builder.Build(builder.Add(OpCatalog.Cast, [builder.Variable(variable)], new CastAttributes(DType.F32)));
        using VariableStore store = new([variable], Device.Of(options));
        using Executable executable = Executable.CompileAsIs(graph, options, store);
        executable.Run();
        float[] result = new float[5];
        executable.Read(0, result);
        Assert.Equal(Numbers(1), result);
        if (onMock) Assert.Contains($"x{8 * type.SizeBytes()}_transfer_mock_to_serial", executable.Kernels);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_checkpoint_keeps_them_and_their_type(string name, bool onMock)
    {
        DType type = Enum.Parse<DType>(name);
        using TemporaryFolder folder = new();
        CheckpointHeader header = Header(folder["run"]);
        Variable[] variables = [Of("a", type, 1), Of("b", type, 2)];
        foreach (bool onDisk in (bool[])[false, true])
        {
            using VariableStore store = new(variables, onMock ? MockDevice.Serial() : null);
            using StoreCopy copy = new(store, variables, onDisk);
            store.WriteBytes(variables[0], Bytes(type, 7));
            copy.Take();
            store.WriteBytes(variables[0], Bytes(type, 8));
            Checkpoint.Write(folder["typed"], header, [("state", copy)]);
            (CheckpointHeader read, FileStream file) = Checkpoint.Open(folder["typed"]);
            using FileStream open = file;
            using StoreCopy loaded = new(store, variables, onDisk);
            Checkpoint.Read(file, read, "state", loaded);
            loaded.Restore();
            Assert.Equal([Bytes(type, 7), Bytes(type, 2)], [Read(store, variables[0]), Read(store, variables[1])]);

            // The same bytes would fit.
            DType other =
                type switch
                {
                    DType.F32 =>
                    DType.I32,
                    DType.I32 =>
                    DType.F32,
                    DType.F16 =>
                    DType.BF16,
                    DType.BF16 =>
                    DType.F16,
                    DType.I8 =>
                    DType.U8,
                    _ =>
                    DType.I8
                };
            Variable[] others = [Of("a", other, null), Of("b", other, null)];
            using VariableStore otherStore = new(others);
            using StoreCopy otherCopy = new(otherStore, others);
            Assert.Contains(
                $"'a' holds {type}, here it is {other}", Assert.Throws<ThomasException>(() => Checkpoint.Read(file, read, "state", otherCopy)).Message,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Tensors_of_older_checkpoints_which_name_no_type_are_F32()
    {
        using TemporaryFolder folder = new();
        CheckpointHeader header = Header(folder["run"]);
        Variable[] variables = [Of("a", DType.F32, 1)];
        using VariableStore store = new(variables);
        using StoreCopy copy = new(store, variables);
        copy.Take();
        Checkpoint.Write(folder["typed"], header, [("state", copy)]);
        (CheckpointHeader read, FileStream file) = Checkpoint.Open(folder["typed"]);
        using FileStream open = file;
        Checkpoint.Read(file, read with { Tensors = [.. read.Tensors.Select(tensor => tensor with { Type = null })] }, "state", copy);
        copy.Restore();
        Assert.Equal(Numbers(1), store[variables[0]].ToArray());
    }

    /// <summary>The header of a checkpoint of a run.</summary>
    private static CheckpointHeader Header(string path)
    {
        using TrainerJob job = new(4, 2);
        job.Run(TrainerJob.Options with { Epochs = 1, CheckpointPath = path });
        (CheckpointHeader header, FileStream file) = Checkpoint.Open(path);
        file.Dispose();
        return header;
    }

    private static Variable Of(string name, DType type, int? seed) =>
        new(name, new TensorType(type, new Shape(5)), VariableKind.Weight, seed is int given
        ? new TensorData(new TensorType(type, new Shape(5)), Bytes(type, given))
        : null);

    private static float[] Numbers(int seed) => [seed, 2 * seed, 3, 0, 4 + seed];

    private static unsafe byte[] Bytes(DType type, int seed)
    {
        byte[] bytes = new byte[5 * type.SizeBytes()];
        fixed (float* source = Numbers(seed))
        fixed (byte* target = bytes)
            Elements.Convert(DType.F32, source, type, target, 5);
        return bytes;
    }

    private static byte[] Read(VariableStore store, Variable variable)
    {
        byte[] bytes = new byte[variable.Type.SizeBytes];
        store.ReadBytes(variable, bytes);
        return bytes;
    }
}
