using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Xunit;

namespace Thomas.Tests.Formats.Safetensors;

public sealed class SafetensorsReaderTests
{
    private const string OneFloat = """{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""";

    private static WeightFile Load(byte[] file, bool integers = false) => WeightFile.Load(file, "w.safetensors", integers);

    [Fact]
    public void Tensors_come_in_the_order_of_the_header()
    {
        WeightFile file = Load(SafetensorsFile.Of(("b.weight", [2, 3], [1, 2, 3, 4, 5, 6]), ("a", [], [-7]), ("none", [0, 4], [])));
        Assert.Equal(["b.weight", "a", "none"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal(WeightFormat.Safetensors, file.Format);
        Assert.Equal(new Shape(2, 3), file.Tensors[0].Shape);
        Assert.Equal([1, 2, 3, 4, 5, 6], file.Find("b.weight")!.Data.Floats);
        Assert.Equal(new Shape(), file.Tensors[1].Shape);
        Assert.Equal([-7], file.Tensors[1].Data.Floats);
        Assert.Equal(new Shape(0, 4), file.Tensors[2].Shape);
        Assert.Empty(file.Notes);
        Assert.Null(file.Find("b"));
    }

    [Fact]
    public void A_header_whose_length_begins_like_a_pickle_is_read()
    {
        byte[] bytes = SafetensorsFile.Of(OneFloat.PadRight(0x280), new byte[4]);
        Assert.Equal([0x80, 2], bytes[..2]);
        Assert.Equal("a", Assert.Single(Load(bytes).Tensors).Name);
    }

    [Fact]
    public void Aligned_float32_is_borrowed_from_the_file()
    {
        byte[] bytes = SafetensorsFile.Of(("a", [2], [1, 2]));
        TensorData data = Load(bytes).Tensors[0].Data;
        MemoryMarshal.AsBytes<float>([3f]).CopyTo(bytes.AsSpan(bytes.Length - 4));
        Assert.Equal([1, 3], data.Floats);
    }

    [Fact]
    public void Unaligned_float32_is_copied()
    {
        byte[] bytes = SafetensorsFile.Of(OneFloat + " ", MemoryMarshal.AsBytes<float>([5f]));
        Assert.NotEqual(0, (bytes.Length - 4) % 4);
        Assert.Equal([5], Load(bytes).Tensors[0].Data.Floats);
    }

    [Fact]
    public void Floats_of_16_bits_stay_and_those_of_64_become_float32_with_a_note()
    {
        const string header = """
            {"__metadata__":{"format":"pt"},
             "h":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},
             "b":{"shape":[2],"data_offsets":[4,8],"dtype":"BF16"},
             "d":{"dtype":"F64","shape":[1,2],"data_offsets":[8,24]}}
            """;
        byte[] data = [0x00, 0x3c, 0x01, 0x80, 0x80, 0x3f, 0x10, 0xc1, .. BitConverter.GetBytes(1.5), .. BitConverter.GetBytes(1e300)];
        WeightFile file = Load(SafetensorsFile.Of(header, data));
        Assert.Equal([1, -(float)Math.ScaleB(1, -24)], file.Find("h")!.Data.ToFloats());
        Assert.Equal([1, -9], file.Find("b")!.Data.ToFloats());
        Assert.Equal([1.5f, float.PositiveInfinity], file.Find("d")!.Data.Floats);
        Assert.Equal(["F16", "BF16", "F64"], file.Tensors.Select(tensor => tensor.StoredType));
        Assert.Equal([DType.F16, DType.BF16, DType.F32], file.Tensors.Select(tensor => tensor.Data.Type.DType));
        Assert.Equal(["1 F64 tensors were converted to float32"], file.Notes);
    }

    [Fact]
    public void Integers_are_left_out_unless_asked_for()
    {
        const string header = """
            {"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]},"u":{"dtype":"U8","shape":[4],"data_offsets":[8,12]},
             "s":{"dtype":"I16","shape":[2],"data_offsets":[12,16]},"bn.num_batches_tracked":{"dtype":"I64","shape":[],"data_offsets":[16,24]}}
            """;
        byte[] bytes = SafetensorsFile.Of(header, [1, 0, 0, 0, 0, 0, 0, 0, 9, 8, 7, 6, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        WeightFile without = Load(bytes);
        Assert.Empty(without.Tensors);
        Assert.Equal(["skipped, because they are not floating-point tensors: n, u, s"], without.Notes);
        WeightFile with = Load(bytes, integers: true);
        Assert.Equal(["n", "u", "bn.num_batches_tracked"], with.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([1], with.Tensors[0].Data.Longs);
        Assert.Equal(DType.U8, with.Tensors[1].Data.Type.DType);
        Assert.Equal([9, 8, 7, 6], with.Tensors[1].Data.Bytes.ToArray());
        Assert.Equal([2], with.Tensors[2].Data.Longs);
    }

    [Fact]
    public void A_prefix_of_parallel_training_is_left_out_where_all_have_it()
    {
        WeightFile all = Load(SafetensorsFile.Of(("module.a", [1], [1]), ("module.b", [1], [2])));
        Assert.Equal(["a", "b"], all.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([2], all.Find("b")!.Data.Floats);
        Assert.Contains("module.", Assert.Single(all.Notes), StringComparison.Ordinal);
        WeightFile some = Load(SafetensorsFile.Of(("module.a", [1], [1]), ("b", [1], [2])));
        Assert.Equal(["module.a", "b"], some.Tensors.Select(tensor => tensor.Name));
    }

    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", "F32[2] takes 8 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", "leave a gap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}""", "data_offsets are -4 and 0")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "the file is cut off")]
    [InlineData("""{}""", "the tensors end at 0, the data has 4 bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "within another tensor")]
    [InlineData("""{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", "occurs twice")]
    [InlineData("""{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}""", "elements of type F8_E4M3 are not supported")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", "axis 0 has size -1")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}""", "axis 0 has size 4294967296")]
    [InlineData("""{"a":{"dtype":"F32","shape":[65536,65536],"data_offsets":[0,0]}}""", "more than 2^31 elements")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}""", "9 axes, more than 8")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", "not a whole number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}""", "header, byte ")]
    [InlineData("""{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}""", "expected a number")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1]}}""", "lacks dtype, shape")]
    [InlineData("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", "has 'dtype' where")]
    [InlineData("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":1}}""", "has 'more' where")]
    [InlineData("""{"a":4}""", "expected StartObject")]
    [InlineData("""{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}""", "header, byte ")]
    [InlineData("""{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}} {}""", "header, byte ")]
    [InlineData("""{"__metadata__":{"deep":{"deeper":{"deepest":{}}}}}""", "header, byte ")]
    [InlineData("""{"\uD800":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}""", "header, byte ")]
    public void A_damaged_header_is_refused_with_the_place(string header, string problem)
    {
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Load(SafetensorsFile.Of(header, [0, 0, 0, 0])));
        Assert.Contains(problem, e.Message, StringComparison.Ordinal);
        Assert.Equal("w.safetensors", e.File);
        Assert.NotEqual("", e.Place);
    }

    [Fact]
    public void A_false_header_length_is_refused_before_anything_is_allocated()
    {
        byte[] file = SafetensorsFile.Of(OneFloat, new byte[4]);
        file[7] = 0x7f;
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Load(file));
        Assert.Contains("cut off", e.Message, StringComparison.Ordinal);
        byte[] large = SafetensorsFile.Of("{" + new string(' ', 16 << 20));
        Assert.Contains("at most 16777216", Assert.Throws<ModelFormatException>(() => Load(large)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[0], "the file is empty")]
    [InlineData(new byte[] { 1, 2, 3 }, "neither a safetensors file nor")]
    [InlineData(new byte[] { 0x1c, 0, 0, 0, (byte)'T', (byte)'F', (byte)'L', (byte)'3', (byte)'{', 0, 0, 0 }, "open it as a model")]
    public void Other_files_are_refused_with_a_hint(byte[] file, string problem) =>
        Assert.Contains(problem, Assert.Throws<ModelFormatException>(() => Load(file)).Message, StringComparison.Ordinal);

    [Fact]
    public void Files_and_streams_are_read_alike()
    {
        byte[] bytes = SafetensorsFile.Of(("a", [2], [1, 2]));
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        File.WriteAllBytes(path, bytes);
        try
        {
            Assert.Equal([1, 2], WeightFile.Load(path).Tensors[0].Data.Floats);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Contains(path, Assert.Throws<ThomasException>(() => WeightFile.Load(path)).Message, StringComparison.Ordinal);
        using MemoryStream stream = new(bytes);
        Assert.Equal([1, 2], WeightFile.Load(stream, "stream").Tensors[0].Data.Floats);
    }
}
