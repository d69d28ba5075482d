using System;
using System.IO.Compression;
using System.Linq;
using Thomas.Formats;
using Thomas.Formats.PyTorch;
using Thomas.Graphs;
using Xunit;

namespace Thomas.Tests.Formats.PyTorch;

public sealed class TorchReaderTests
{
    private static readonly (string Key, byte[] Bytes)[] OneStorage = [("0", TorchFile.Bytes<float>(1, 2, 3, 4))];

    private static WeightFile Load(byte[] file, bool integers = false) => WeightFile.Load(file, "w.pt", integers);

    private static WeightFile LoadZip(PickleBuilder pickle) => Load(TorchFile.Zip(pickle.End(), OneStorage));

    private static void Refused(byte[] file, string problem)
    {
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Load(file));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.Equal("w.pt", e.File);
        Assert.NotEqual("", e.Place);
    }

    private static PickleBuilder Vector(PickleBuilder pickle, string name = "a") => pickle.Text(name).Tensor("FloatStorage", "0", 4, 0, [4], [1]);

    [Theory]
    [InlineData("stored")]
    [InlineData("deflated")]
    [InlineData("legacy")]
    public void A_state_dict_is_read(string form)
    {
        byte[] bytes =
            form switch { "stored" => TorchFile.SampleZip(), "deflated" => TorchFile.SampleZip(CompressionLevel.Optimal), _ => TorchFile.SampleLegacy() };
        WeightFile file = Load(bytes);
        Assert.Equal(WeightFormat.PyTorch, file.Format);
        Assert.Equal(["fc.weight", "fc.bias", "tied"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(new Shape(2, 3), file.Tensors[0].Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], file.Tensors[0].Data.Floats);
        Assert.Equal("F16", file.Tensors[1].StoredType);
        Assert.Equal([0.5f, -2], file.Tensors[1].Data.ToFloats());
        Assert.Equal(DType.F16, file.Tensors[1].Data.Type.DType);
        Assert.Equal(new Shape(3, 2), file.Tensors[2].Shape);
        Assert.Equal([1, 4, 2, 5, 3, 6], file.Tensors[2].Data.Floats);
        Assert.Empty(file.Notes);
        Assert.Equal([12], Load(bytes, integers: true).Find("bn.num_batches_tracked")!.Data.Longs);
    }

    [Fact]
    public void Contiguous_tensors_of_a_stored_entry_share_its_bytes()
    {
        PickleBuilder pickle = new PickleBuilder().OpenDict();
        for (int i = 0; i < 1000; i++) pickle.Text($"t{i}").Tensor("FloatStorage", "0", 1 << 20, i, [1 << 19], [1]);
        byte[] bytes = TorchFile.Zip(pickle.Ops("u").End(), [("0", new byte[4 << 20])]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        WeightFile file = Load(bytes);
        Assert.Equal(1000, file.Tensors.Count);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 24 << 20);
    }

    [Theory]
    [InlineData("state_dict")]
    [InlineData("model_state_dict")]
    [InlineData("model")]
    [InlineData("net")]
    public void Weights_are_found_inside_a_checkpoint(string key)
    {
        PickleBuilder pickle = new PickleBuilder().Ops("}(").Text("epoch").Int(300).Text("accuracy").Real(0.5).Text("seed")
            .Raw(0x8a, 9, 0, 0, 0, 0, 0, 0, 0, 0x80, 0)
            .Text("optimizer").Ops("}(").Int(0).Tensor("FloatStorage", "9", 1000, 0, [1000], [1]).Text("lr").Ops("](").Real(0.1).Ops("eu");
        WeightFile file = LoadZip(Vector(pickle.Text(key).OpenDict(), "module.a").Ops("uu"));
        Assert.Equal("a", Assert.Single(file.Tensors).Name);
        Assert.Equal([1, 2, 3, 4], file.Tensors[0].Data.Floats);
    }

    [Fact]
    public void What_Python_adds_to_dicts_and_parameters_is_passed_over()
    {
        PickleBuilder pickle = new PickleBuilder().OpenDict().Text("p").Global("torch._utils", "_rebuild_parameter").Ops("(")
            .Tensor("FloatStorage", "0", 4, 1, [2, 1], [1, 77]).Raw(0x88).Global("collections", "OrderedDict").Ops(")RtR")
            .Text("version").Int(2).Ops("u")
            .Ops("}").Text("_metadata").OpenDict().Text("").Ops("}").Text("version").Int(1).Ops("susb");
        WeightFile file = LoadZip(pickle);
        Assert.Equal("p", Assert.Single(file.Tensors).Name);
        Assert.Equal([2, 3], file.Tensors[0].Data.Floats);
        Assert.Equal(["skipped, because they are not floating-point tensors: version"], file.Notes);
    }

    [Fact]
    public void Newer_protocols_and_texts_of_Python_2_are_read()
    {
        PickleBuilder newer = new PickleBuilder(4).Raw(0x95, 0, 0, 0, 0, 0, 0, 0, 0).Raw(0x8c, 11).Ops("collections").Raw(0x94, 0x8c, 11).Ops("OrderedDict")
            .Raw(0x93, 0x94).Ops(")R(");
        Assert.Equal("a", Assert.Single(LoadZip(Vector(newer).Ops("u")).Tensors).Name);
        PickleBuilder older = new PickleBuilder().Global("collections", "OrderedDict").Ops("(](](").Raw((byte)'U', 1, 0xe9)
            .Tensor("FloatStorage", "0", 4, 0, [4], [1]).Ops("eetR");
        Assert.Equal("é", Assert.Single(LoadZip(older).Tensors).Name);
    }

    [Fact]
    public void Legacy_storages_may_be_parts_of_others()
    {
        byte[] pickle = new PickleBuilder().OpenDict().Text("part").Global("torch._utils", "_rebuild_tensor").Ops("((").Text("storage")
            .Global("torch.cuda", "FloatStorage")
            .Text("0").Text("cuda:0").Int(6).Ops("(").Text("1").Int(2).Int(3).Ops("ttQ").Int(1).Tuple(2).Tuple(1).Ops("tRu").End();
        WeightFile file = Load(TorchFile.Legacy(pickle, [("0", TorchFile.Bytes<float>(1, 2, 3, 4, 5, 6), 6)]));
        Assert.Equal([4, 5], file.Find("part")!.Data.Floats);
    }

    [Theory]
    [InlineData("posix", "system")]
    [InlineData("builtins", "eval")]
    [InlineData("builtins", "getattr")]
    [InlineData("__main__", "Net")]
    [InlineData("torch", "load")]
    [InlineData("torch.hub", "load")]
    [InlineData("numpy.testing._private.utils", "runstring")]
    [InlineData("torch.nn.modules.conv", "Conv2d.forward")]
    [InlineData("torch._utils", "_rebuild_device_tensor_from_numpy")]
    [InlineData("collections", "OrderedDict.fromkeys")]
    public void A_name_outside_the_table_is_refused_because_it_stands_for_code(string module, string name)
    {
        Refused(TorchFile.Zip(new PickleBuilder().Global(module, name).End(), []), $"names '{module}.{name}': loading it would run code");
        byte[] stackGlobal = new PickleBuilder(4).Text(module).Text(name).Raw(0x93).End();
        Refused(TorchFile.Zip(stackGlobal, []), $"names '{module}.{name}': loading it would run code");
        Refused(TorchFile.Legacy(new PickleBuilder().Global(module, name).End(), []), $"fourth pickle, byte ");
    }

    [Fact]
    public void TorchScript_and_strange_elements_are_named()
    {
        Refused(TorchFile.Zip(new PickleBuilder().Global("__torch__.torchvision", "ResNet").End(), []), "TorchScript");
        Refused(TorchFile.Zip(new PickleBuilder().Global("torch", "ComplexFloatStorage").End(), []), "elements of ComplexFloatStorage are not supported");
    }

    [Theory]
    [InlineData(3, new long[] { 2 }, new long[] { 1 })]
    [InlineData(-1, new long[] { 2 }, new long[] { 1 })]
    [InlineData(0, new long[] { 2 }, new long[] { 4 })]
    [InlineData(3, new long[] { 2 }, new long[] { -1 })]
    [InlineData(0, new long[] { 3, 3 }, new long[] { long.MaxValue, long.MaxValue })]
    [InlineData(long.MaxValue, new long[] { 2 }, new long[] { long.MaxValue })]
    public void A_tensor_beyond_its_storage_is_refused(long offset, long[] sizes, long[] strides) =>
        Refused(
            TorchFile.Zip(new PickleBuilder().OpenDict().Text("a").Tensor("FloatStorage", "0", 4, offset, sizes, strides).Ops("u").End(), OneStorage),
            "tensor 'a': offset");

    [Fact]
    public void A_tensor_that_repeats_elements_is_read_within_bounds()
    {
        PickleBuilder Expanded(long size) => new PickleBuilder().OpenDict().Text("a").Tensor("FloatStorage", "0", 4, 2, [size, 2], [0, 1]).Ops("u");
        Assert.Equal([3, 4, 3, 4, 3, 4], LoadZip(Expanded(3)).Tensors[0].Data.Floats);
        Refused(TorchFile.Zip(Expanded(100_000_000).End(), OneStorage), "unpacking the weights takes more than");
        Refused(TorchFile.Zip(Expanded(1_000_000_000).End(), OneStorage), "elements; at most 268435456");
    }

    [Fact]
    public void Elements_that_no_array_can_hold_are_refused()
    {
        WeightCollector collector = new("weights", 1L << 31, integers: false);
        TorchTensor tensor = new(new TorchStorage("0", StoredType.F64, 1, 0, 1), 0, [1 << 28], [0]);
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => TorchElements.Add(collector, "a", tensor, new byte[8]));
        Assert.Contains("2 GiB or more", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Storages_must_have_the_size_that_the_pickle_says()
    {
        Refused(TorchFile.Zip(Vector(new PickleBuilder().OpenDict()).Ops("u").End(), [("0", new byte[12])]), "4 F32 elements take 16 bytes, the entry has 12");
        Refused(TorchFile.Zip(Vector(new PickleBuilder().OpenDict()).Ops("u").End(), []), "lacks the entry 'sample/data/0'");
        byte[] two = new PickleBuilder().OpenDict().Text("a").Tensor("FloatStorage", "0", 4, 0, [4], [1]).Text("b").Tensor("DoubleStorage", "0", 2, 0, [2], [1])
            .Ops("u").End();
        Refused(TorchFile.Zip(two, OneStorage), "storage '0' has 4 F32 elements in one place and 2 F64 in another");
        byte[] legacy = Vector(new PickleBuilder().OpenDict()).Ops("u").End();
        Refused(TorchFile.Legacy(legacy, [("0", OneStorage[0].Bytes, 5)]), "the storage has 5 elements, the pickle says 4");
        Refused(TorchFile.Legacy(legacy, [("0", new byte[8], 4)]), "the file is cut off");
        Refused(TorchFile.Legacy(legacy, [("1", new byte[8], 2)]), "names a storage '1' that no tensor has");
        Refused(TorchFile.Legacy(legacy, []), "lacks storage '0'");
    }

    [Fact]
    public void Big_endian_files_are_refused()
    {
        Refused(TorchFile.Zip(TorchFile.SampleState(), TorchFile.SampleStorages, byteOrder: "big"), "big-endian");
        Refused(TorchFile.Legacy(TorchFile.SampleState(), [], littleEndian: false), "big-endian");
    }

    [Fact]
    public void Objects_that_hold_no_weights_are_refused_with_what_they_hold()
    {
        Refused(TorchFile.Zip(new PickleBuilder().Ops("]").End(), []), "not a dict of tensors");
        Refused(TorchFile.Zip(new PickleBuilder().Ops("}").Text("epoch").Int(1).Ops("s").End(), []), "its keys are: 'epoch'");
        Refused(new PickleBuilder().Ops("}").End(), "torch.save did not write it");
    }

    [Theory]
    [InlineData("}q\0X\u0005\0\0\0modelh\0s.", "wrapped more than 4 times")]
    [InlineData("]q\0h\0a.", "not a dict of tensors")]
    [InlineData("h\u0007.", "value 7 is recalled before it is stored")]
    [InlineData("a.", "a value is missing")]
    [InlineData("]](ee.", "a group ends that was never begun")]
    [InlineData("}(K\u0001K\u0002K\u0003u.", "a key without a value")]
    [InlineData("K\u0001K\u0002a.", "needs a list")]
    [InlineData("K\u0001)R.", "a call of something that is not a function")]
    [InlineData("ccollections\nOrderedDict\n(K\u0001tR.", "wrong arguments")]
    [InlineData("X\u00ff\u00ff\u00ff\u007fabc", "the pickle is cut off")]
    [InlineData("cposix", "a name is not terminated")]
    [InlineData("(K\u0001tQ.", "an external reference that is not a storage")]
    [InlineData("c__builtin__\neval\n.", "would run code")]
    [InlineData("K\u0001)\u0081.", "an object is made of something that is not a class")]
    [InlineData("ccollections\nOrderedDict\n)\u0081.", "an object is made of something that is not a class")]
    [InlineData("\u0082\u0001.", "opcode 0x82")]
    [InlineData("", "the pickle is cut off")]
    public void A_damaged_pickle_is_refused_with_the_place(string opcodes, string problem)
    {
        byte[] pickle = [0x80, 2, .. opcodes.Select(c => (byte)c)];
        Refused(TorchFile.Zip(pickle, []), problem);
    }

    [Fact]
    public void A_pickle_that_makes_too_much_is_refused()
    {
        byte[] values = new byte[4 << 20];
        foreach (byte opcode in "]}()"u8)
        {
            values.AsSpan().Fill(opcode);
            values[0] = 0x80;
            values[1] = 2;
            Refused(TorchFile.Zip(values, []), "makes more than 1048576 values");
        }

        byte[] nested = new byte[4 << 20];
        nested.AsSpan().Fill(0x85);
        new PickleBuilder().Ops("N").End().AsSpan(0, 3).CopyTo(nested);
        Refused(TorchFile.Zip(nested, []), "makes more than 1048576 values");
        Refused(TorchFile.Zip(new PickleBuilder().Text(new string('a', 17 << 20)).End(), []), "the pickle takes more than 16777216 bytes");
    }
}
