using System;
using System.IO;
using Google.Protobuf;
using Thomas.Data;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Thomas.Kernels.Activations;
using Thomas.Ops;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Cli;

/// <summary>A folder with a tiny model in both formats and images of three colors.</summary>
internal sealed class CliFixture : IDisposable
{
    public const int Side = 8;

    private readonly TemporaryFolder _folder = new();

    public static string[] Colors { get; } = ["blue", "green", "red"];

    public string this[params string[] parts] => _folder[parts];

    /// <summary>Saves the tiny classifier: convolution, mean, dense, softmax.</summary>
    public string Model(
        string name = "tiny.onnx", int channels = 3, int classes = 4, string[]? labels = null, bool withPreprocessing = true, float firstWeight = 0.5f)
    {
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, Side, Side, channels)));
        float[] filter = TestGraphs.Noise(8 * 9 * channels, 1);
        filter[0] = firstWeight;
        Value w = b.Constant("conv.weight", TensorData.FromFloats(new Shape(8, 3, 3, channels), filter));
        Value y = b.Add(
            OpCatalog.Conv2d, [x, w], new Conv2dAttributes(new Window2d(3, 3, 2, 2, 1, 1, default), Activation: new Activation(ActivationKind.Relu)), "conv");
        y = b.Add(OpCatalog.Reduce, [y], new ReduceAttributes(ReduceKind.Mean, new IntList(1, 2), KeepDims: false), "pooled");
        y = b.Add(OpCatalog.Dense, [y, b.Weights("head", 2, classes, 8), b.Weights("bias", 3, classes)], new DenseAttributes(HasBias: true), "scores");
        y = b.Add(OpCatalog.Softmax, [y], new SoftmaxAttributes(), "probabilities");
        Preprocessing? preprocessing = withPreprocessing ? Preprocessing.Preset("unit", Side, Side) : null;
        ModelInfo info = new() { Name = "tiny", Labels = labels, Preprocessing = preprocessing };
        string path = this[name];
        new Model(b.Build(y), info).Save(path);
        return path;
    }

    /// <summary>Draws one folder of images per color.</summary>
    public string Data(string name = "data", int perClass = 12, int classes = 3)
    {
        for (int c = 0; c < classes; c++)
        {
            for (int i = 0; i < perClass; i++) Image(this[name, Colors[c], $"{i:00}.png"], c, (ulong)((c * 1000) + i));
        }

        return this[name];
    }

    public static void Image(string path, int color, ulong seed)
    {
        RgbImage noise = Images.Noise(16, 12, seed);
        for (int i = 0; i < noise.Pixels.Length; i++)
        {
            // Channel 2 is blue: class 0.
            noise.Pixels[i] = (byte)((noise.Pixels[i] / 4) + (i % 3 == 2 - color ? 180 : 0));
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, Images.Encode(noise));
    }

    /// <summary>Writes the tiny ONNX model with something changed in it.</summary>
    public string Changed(string name, Action<ModelProto> change)
    {
        ModelProto proto = ModelProto.Parser.ParseFrom(File.ReadAllBytes(Model("source.onnx")));
        change(proto);
        File.WriteAllBytes(this[name], proto.ToByteArray());
        return this[name];
    }

    public void Dispose() => _folder.Dispose();
}
