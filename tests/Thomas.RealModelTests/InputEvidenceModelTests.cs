using System;
using System.IO;
using System.IO.Compression;
using Thomas.Imaging;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>What is believed of the images of every shared model, and what that is worth.</summary>
public sealed class InputEvidenceModelTests
{
    // Mean and standard deviation of the first channel; what the source begins with. The assets' page names the true normalization of each; where no evidence
    // is in the file, a guess may differ from it (SqueezeNet_fp16 wants BGR, mobilenet_v1_0.25_224_bn wants -1 to 1).
    [Theory]
    [InlineData("tflite", "mobilenet_v1_0.25_224_1_metadata_1.tflite", 127.5f, 127.5f, "from the normalization in the file's metadata")]
    [InlineData("tflite", "mobilenet_v1_0.25_128_quant.tflite", 128f, 128f, "from its uint8 input")]
    [InlineData("tflite", "mobilenet_v2_1.0_224_quant.tflite", 128f, 128f, "from its uint8 input")]
    [InlineData("tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite", 127f, 127.5f, "from its uint8 input")]
    [InlineData("tflite", "mobilenet_v2_quantized_1x3x224x224.tflite", 123.675f, 58.395f, "from its int8 input")]
    [InlineData("tflite", "mobilenet_v2_035_96_embedder_with_metadata.tflite", 0f, 255f,
        "from the graph, which turns 0 to 1 into -1 to 1 itself; the file's metadata says -1 to 1, which does not fit")]
    [InlineData("tflite", "vww_96_float.tflite", 0f, 255f, "GUESSED 'unit' because the first layer's biases fit images of 0 to 1")]
    [InlineData("tflite", "vww_96_int8.tflite", 0f, 255f, "from its int8 input")]
    [InlineData("tflite", "cifar10_resnet8_float.tflite", 0f, 1f, "GUESSED 'raw' because the first layer's weights are as small")]
    [InlineData("tflite", "cifar10_resnet8_int8.tflite", 0f, 1f, "from its int8 input")]
    [InlineData("tflite", "mcunet_vww.tflite", 127.5f, 127.5f, "from the 8-bit grid that the graph rounds its input to")]
    [InlineData("tflite", "person_detect.tflite", 127f, 127.5f, "from its int8 input")]
    [InlineData("onnx", "mobilenet_v2_quant.onnx", 123.675f, 58.395f, "from the 8-bit grid that the graph rounds its input to")]
    [InlineData("onnx", "mobilenet_v2_1.0_224.onnx", 123.675f, 58.395f, "GUESSED 'imagenet' from the layout")]
    [InlineData("onnx", "mobilenet_v2_1.0_224_bn_features.onnx", 123.675f, 58.395f, "GUESSED 'imagenet' from the layout")]
    [InlineData("onnx", "squeezenet1.1.onnx", 123.675f, 58.395f, "GUESSED 'imagenet' from the layout")]
    [InlineData("onnx", "resnet20_cifar10.onnx", 123.675f, 58.395f, "GUESSED 'imagenet' from the layout")]
    [InlineData("onnx", "SqueezeNet_fp16.onnx", 123.675f, 58.395f, "GUESSED 'imagenet' from the layout")]
    [InlineData("onnx", "mobilenet_v1_0.25_224_bn.onnx", 123.675f, 58.395f, "GUESSED 'imagenet' from the layout")]
    [InlineData("onnx", "mnist.onnx", 0f, 1f, "from the normalization in the file's metadata")]
    public void The_preprocessing_of_every_shared_model(string folder, string name, float mean, float std, string source)
    {
        ImageInput input = ImageInput.Of(Model.Load(Assets.PathOf("models", folder, name)));
        Assert.Equal((mean, std), (float.Round(input.Preprocessing.Mean.First, 3), float.Round(input.Preprocessing.Std.First, 3)));
        Assert.StartsWith(source, input.Source, StringComparison.Ordinal);
        Assert.Equal(source.StartsWith("GUESSED", StringComparison.Ordinal), input.IsGuess);
    }

    // Every tenth test image. The assets' page: 76.9, 76.9 and 80.5 of 100 over all of them.
    [Theory]
    [InlineData("tflite", "cifar10_resnet8_float.tflite", 0.70)]
    [InlineData("tflite", "cifar10_resnet8_int8.tflite", 0.70)]
    [InlineData("onnx", "resnet20_cifar10.onnx", 0.74)]
    public void Cifar_models_reach_their_accuracy_without_being_told_anything(string folder, string name, double least)
    {
        string[] labels = File.ReadAllText(Assets.PathOf("labels", "cifar10.txt")).Split(
            '\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        using ZipArchive archive = ZipFile.OpenRead(Assets.PathOf("datasets", "cifar10", "cifar10_test_2000_jpg.zip"));
        using ImageClassifier classifier = new(Model.Load(Assets.PathOf("models", folder, name)));
        SkiaImageDecoder decoder = new();
        int right = 0, all = 0;
        for (int i = 0; i < archive.Entries.Count; i += 10)
        {
            ZipArchiveEntry entry = archive.Entries[i];
            if (entry.Length == 0) continue;
            using Stream stream = entry.Open();
            using MemoryStream bytes = new();
            stream.CopyTo(bytes);
            if (labels[classifier.Classify(decoder, bytes.ToArray(), 1)[0].Index] == entry.FullName.Split('/')[1]) right++;
            all++;
        }

        Assert.True(all >= 190, $"{all} images");
        Assert.True(right >= least * all, $"{right} of {all}");
    }
}
