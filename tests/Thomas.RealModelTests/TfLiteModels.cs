using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json;
using Thomas.Graphs;
using Thomas.Runtime;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The .tflite files of the assets, and what is recorded about them.</summary>
internal static class TfLiteModels
{
    public const string Float = "mobilenet_v1_0.25_224_1_metadata_1.tflite";

    public static TheoryData<string> Importable { get; } =
    [
        Float, "cifar10_resnet8_float.tflite", "cifar10_resnet8_int8.tflite", "mcunet_vww.tflite", "mobilenet_v1_0.25_128_quant.tflite",
        "mobilenet_v2_035_96_embedder_with_metadata.tflite", "mobilenet_v2_1.0_224_quant.tflite", "mobilenet_v2_quantized_1x3x224x224.tflite",
        "person_detect.tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite", "vww_96_float.tflite", "vww_96_int8.tflite",
    ];

    /// <summary>The files of 8 bits.</summary>
    public static IReadOnlyList<string> EightBit { get; } =
    [
        "cifar10_resnet8_int8.tflite", "mcunet_vww.tflite", "mobilenet_v1_0.25_128_quant.tflite", "mobilenet_v2_1.0_224_quant.tflite",
        "mobilenet_v2_quantized_1x3x224x224.tflite", "person_detect.tflite", "tf2_mobilenet_v2_1.0_224_ptq.tflite", "vww_96_int8.tflite",
    ];

    public static byte[] Bytes(string name) => File.ReadAllBytes(Assets.PathOf("models", "tflite", name));

    public static Model Load(string name) => ModelFiles.Load(Bytes(name), name);

    /// <summary>Ten images of the golden set as raw RGB bytes.</summary>
    public static Npy<byte> Images(int side) =>
        Npy<byte>.Load(Assets.PathOf("golden", side == 128 ? "imagenet10_128_nhwc_rgb_u8.npy" : "imagenet10_crops224_nhwc_rgb_u8.npy"));

    /// <summary>What golden/imagenet_top5.json records for a model: five pairs of index and score for each image.</summary>
    public static (int Index, double Score)[][] Top5(string name)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Assets.PathOf("golden", "imagenet_top5.json")));
        JsonElement images = document.RootElement.GetProperty("models").GetProperty($"models/tflite/{name}").GetProperty("top5");
        (int, double)[][] result = new (int, double)[images.GetArrayLength()][];
        for (int i = 0; i < result.Length; i++)
        {
            result[i] = new (int, double)[images[i].GetArrayLength()];
            for (int k = 0; k < result[i].Length; k++) result[i][k] = (images[i][k][0].GetInt32(), images[i][k][1].GetDouble());
        }

        return result;
    }

    public static float[] Run(Executable executable, ReadOnlySpan<float> input)
    {
        input.CopyTo(executable.Input());
        executable.Run();
        return executable.Output().ToArray();
    }

    /// <summary>A golden image shrunk to the model's input by taking every n-th pixel, normalized as the model says or else to [-1, 1].</summary>
    public static float[] Image(Model model, int index)
    {
        Shape shape = model.Graph.Inputs[0].Shape;
        byte[] pixels = Images(224).Values;
        ChannelValues mean = model.Info.Preprocessing?.Mean ?? new ChannelValues(127.5f), std = model.Info.Preprocessing?.Std ?? new ChannelValues(127.5f);
        float[] values = new float[shape.ElementCount];
        for (int i = 0; i < values.Length; i++)
        {
            int c = i % shape[3], x = i / shape[3] % shape[2], y = i / shape[3] / shape[2];
            int pixel = (((index * 224) + (y * 224 / shape[1])) * 224) + (x * 224 / shape[2]);
            values[i] = (pixels[(pixel * 3) + (shape[3] == 1 ? 1 : c)] - mean[c]) / std[c];
        }

        return values;
    }
}
