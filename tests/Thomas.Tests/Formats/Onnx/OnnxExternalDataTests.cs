using System;
using System.IO;
using Google.Protobuf;
using Thomas.Formats.Onnx.Proto;
using Thomas.Runtime;
using Thomas.Tests.Harness;
using Xunit;
using DataType = Thomas.Formats.Onnx.Proto.TensorProto.Types.DataType;

namespace Thomas.Tests.Formats.Onnx;

/// <summary>Weights in a second file: read where they are in place, refused where they lie elsewhere or do not fit.</summary>
public sealed class OnnxExternalDataTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("thomas-external").FullName;
    private readonly string _folder;

    public OnnxExternalDataTests()
    {
        _folder = Path.Combine(_root, "model");
        Directory.CreateDirectory(_folder);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private static OnnxFile Model(params (string Key, string Value)[] data)
    {
        OnnxFile file = new OnnxFile().Input("x", 1, 3).Node("Add", ["x", "b"], ["y"]).Output("y");
        TensorProto tensor = new() { Name = "b", DataType = (int)DataType.Float, DataLocation = TensorProto.Types.DataLocation.External };
        tensor.Dims.Add(3);
        foreach ((string key, string value) in data) tensor.ExternalData.Add(new StringStringEntryProto { Key = key, Value = value });
        file.Proto.Graph.Initializer.Add(tensor);
        return file;
    }

    /// <summary>Numbers 1, 2, 3 behind so many other bytes.</summary>
    private static byte[] Data(int before)
    {
        byte[] bytes = new byte[before + 12];
        for (int i = 0; i < 3; i++) BitConverter.TryWriteBytes(bytes.AsSpan(before + (4 * i)), i + 1f);
        return bytes;
    }

    private string Save(OnnxFile file, string data = "w.bin", int before = 0)
    {
        string path = Path.Combine(_folder, "m.onnx");
        File.WriteAllBytes(path, file.Proto.ToByteArray());
        string target = Path.Combine(_folder, data);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.WriteAllBytes(target, Data(before));
        return path;
    }

    private static float[] Run(Model model)
    {
        using Executable executable = Executable.Compile(model.Graph, 1, TestGraphs.Oracle);
        executable.Run();
        return executable.Output().ToArray();
    }

    [Theory]
    [InlineData("w.bin", 0, false)]
    [InlineData("w.bin", 16, true)]
    [InlineData("w.bin", 3, true)]
    [InlineData("parts/w.bin", 4096, true)]
    public void Weights_are_read_beside_the_model(string location, int offset, bool withLength)
    {
        (string, string)[] data = withLength
            ? [("location", location), ("offset", $"{offset}"), ("length", "12"), ("checksum", "0")]
            : [("location", location)];
        string path = Save(Model(data), location, offset);
        Assert.Equal([1f, 2, 3], Run(Thomas.Model.Load(path)));
    }

    [Fact]
    public void A_stream_needs_the_folder()
    {
        string path = Save(Model(("location", "w.bin")));
        byte[] bytes = File.ReadAllBytes(path);
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Thomas.Model.Load(new MemoryStream(bytes), "m.onnx"));
        Assert.Contains("'w.bin'", e.Message, StringComparison.Ordinal);
        Assert.Contains("DataFolder", e.Message, StringComparison.Ordinal);
        Assert.Equal([1f, 2, 3], Run(Thomas.Model.Load(new MemoryStream(bytes), "m.onnx", new ModelLoadOptions { DataFolder = _folder })));
    }

    [Theory]
    [InlineData("../w.bin", "", "", "only files in the model's own folder")]
    [InlineData("a/../../w.bin", "", "", "only files in the model's own folder")]
    [InlineData("/etc/passwd", "", "", "only files in the model's own folder")]
    [InlineData("C:\\w.bin", "", "", "only files in the model's own folder")]
    [InlineData("\\\\host\\w.bin", "", "", "only files in the model's own folder")]
    [InlineData("", "", "", "does not name it")]
    [InlineData("gone.bin", "", "", "put both files in one folder")]
    [InlineData("w.bin", "4", "12", "which has 12")]
    [InlineData("w.bin", "0", "13", "which has 12")]
    [InlineData("w.bin", "9223372036854775807", "12", "the offset of its weights is '9223372036854775807'")]
    [InlineData("w.bin", "-4", "12", "the offset of its weights is '-4'")]
    [InlineData("w.bin", "0", "many", "the length of its weights is 'many'")]
    [InlineData("w.bin", "0", "8", "takes 12 bytes, the file holds 8")]
    public void Other_places_and_wrong_ranges_are_refused(string location, string offset, string length, string part)
    {
        (string, string)[] data = offset.Length == 0 ? [("location", location)] : [("location", location), ("offset", offset), ("length", length)];
        string path = Save(Model(data));
        File.WriteAllBytes(Path.Combine(_root, "w.bin"), Data(0));
        ModelFormatException e = Assert.Throws<ModelFormatException>(() => Thomas.Model.Load(path));
        Assert.Contains(part, e.Message, StringComparison.Ordinal);
        Assert.Contains("tensor 'b'", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Links_are_followed_inside_the_folder_only()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights on Windows");
        string path = Save(Model(("location", "sub/link.bin")));
        string outside = Path.Combine(_root, "secret"), link = Path.Combine(_folder, "sub", "link.bin");
        File.WriteAllBytes(outside, Data(0));
        Directory.CreateDirectory(Path.Combine(_folder, "sub"));
        File.CreateSymbolicLink(link, "../w.bin");
        Assert.Equal([1f, 2, 3], Run(Thomas.Model.Load(path)));
        File.Delete(link);
        File.CreateSymbolicLink(link, "../../secret");
        Assert.Contains("is a link to", Assert.Throws<ModelFormatException>(() => Thomas.Model.Load(path)).Message, StringComparison.Ordinal);

        // The folder of the file may be the link that leads away, and a link may lead to another.
        File.Delete(link);
        Directory.Delete(Path.Combine(_folder, "sub"));
        Directory.CreateDirectory(Path.Combine(_root, "away"));
        File.WriteAllBytes(Path.Combine(_root, "away", "link.bin"), Data(0));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "hop"), Path.Combine(_root, "away"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "sub"), "hop");
        Assert.Contains("is a link to", Assert.Throws<ModelFormatException>(() => Thomas.Model.Load(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_to_the_models_folder_is_no_obstacle()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights on Windows");
        Save(Model(("location", "w.bin")));
        string alias = Path.Combine(_root, "alias");
        Directory.CreateSymbolicLink(alias, _folder);
        Assert.Equal([1f, 2, 3], Run(Thomas.Model.Load(Path.Combine(alias, "m.onnx"))));
    }
}
