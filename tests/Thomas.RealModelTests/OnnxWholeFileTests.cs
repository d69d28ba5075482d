using System;
using System.IO;
using Google.Protobuf;
using Thomas.Graphs;
using Thomas.Runtime;
using Thomas.Tests.Formats.Onnx;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// Whole small classifiers in the styles of many exporters: ONNX Runtime and Thomas agree on them, on what Thomas writes of them, and on several images at a
/// time.
/// </summary>
public sealed class OnnxWholeFileTests
{
    private const double Tolerance = 2e-5;

    public static TheoryData<string> Names => [.. WholeFiles.All.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Onnx_runtime_agrees(string name)
    {
        OnnxFile file = WholeFiles.All[name]();
        for (int i = 0; i < file.Proto.Graph.Node.Count; i++) file.Proto.Graph.Node[i].Name = $"node{i}";
        Model model = file.Load();
        Shape shape = model.Graph.Inputs[0].Shape;
        int length = shape.ElementCount;
        float[] images = OnnxSweep.Noise(3 * length, 11, -1, 1), first = images[..length];
        float[] InFile(float[] image) => model.Info.InputLayout == ImageLayout.Nchw ? OnnxSweep.ToNchw(image, shape) : image;

        using Ort source = new(file.Proto.ToByteArray(), optimized: true);
        float[] expected = source.Run(InFile(first))[0];
        Assert.Equal(WholeFiles.Classes, expected.Length);
        OnnxSweep.AssertClose(expected, Run(model, 1, first), Tolerance, name);
        using Ort written = new(Ort.Export(model), optimized: true);
        OnnxSweep.AssertClose(expected, written.Run(InFile(first))[0], Tolerance, $"{name}, written as .onnx");
        using MemoryStream stream = new();
        model.Save(stream, ModelFormat.TfLite);
        stream.Position = 0;
        OnnxSweep.AssertClose(expected, Run(Model.Load(stream, "again.tflite"), 1, first), Tolerance, $"{name}, written as .tflite");

        float[] three = Run(model, 3, images);
        for (int i = 0; i < 3; i++)
            OnnxSweep.AssertClose(
                source.Run(InFile(images[(i * length)..((i + 1) * length)]))[0], three[(i * WholeFiles.Classes)..((i + 1) * WholeFiles.Classes)], Tolerance,
                $"{name}, image {i} of 3");
    }

    /// <summary>A file that leaves the batch open is written so, too, whatever it does inside.</summary>
    [Theory]
    [InlineData("PyTorch, vision transformer")]
    [InlineData("PyTorch, MultiheadAttention")]
    [InlineData("PyTorch, transposed convolution")]
    [InlineData("tf2onnx, Einsum")]
    public void An_open_batch_stays_open(string name)
    {
        Model model = WholeFiles.All[name]().Load();
        int length = model.Graph.Inputs[0].Shape.ElementCount;
        float[] images = OnnxSweep.Noise(2 * length, 12, -1, 1), inFile = [];
        for (int i = 0; i < 2; i++)
        {
            float[] one = images[(i * length)..((i + 1) * length)];
            inFile = [.. inFile, .. model.Info.InputLayout == ImageLayout.Nchw ? OnnxSweep.ToNchw(one, model.Graph.Inputs[0].Shape) : one];
        }

        using Ort written = new(Ort.Export(model), optimized: true);
        OnnxSweep.AssertClose(Run(model, 2, images), written.Run(inFile)[0], Tolerance, name);
    }

    private static float[] Run(Model model, int batch, float[] images)
    {
        using Executable executable = Executable.Compile(model.Graph, batch, new CompileOptions { Threads = 2 });
        images.CopyTo(executable.Input());
        executable.Run();
        return executable.Output().ToArray();
    }
}
