using System;
using System.Collections.Generic;

namespace Thomas.App.Pull;

/// <summary>The models that <c>thomas pull</c> knows by name: only files whose checksum is known. docs/getting-started.md has the same table.</summary>
internal static class StockCatalog
{
    private const string MediaPipe = "google-ai-edge/mediapipe", MediaPipeCommit = "000aeeb03672db2b04c5c0994b5a76165978ccd5";
    private const string Coral = "google-coral/test_data", CoralCommit = "104342d2d3480b3e66203073dac24f4e2dbb4c41";
    private const string Tune = "thomas tune {0} --data photos";

    public static IReadOnlyList<StockModel> Models { get; } =
    [
        FromMediaPipe(
            "mobilenet-v2", "MobileNetV2 1.0, float32, 224 x 224, 1001 ImageNet classes", "mobilenet_v2_1.0_224.tflite?generation=1661875840611150",
            "ff5cb7f9e62c92ebdad971f8a98aa6b3106d82a64587a7787c6a385c9e791339", null),
        FromMediaPipe(
            "mobilenet-v2-8bit", "MobileNetV2 1.0, 8-bit, 224 x 224, 1001 ImageNet classes",
            "mobilenet_v2_1.0_224_quant.tflite?generation=1664340173966530",
            "f08d447cde49b4e0446428aa921aff0a14ea589fa9c5817b31f83128e9a43c1d", 3_577_760),
        FromGitHub(
            "mobilenet-v2-8bit-channels", "mobilenet-v2-8bit-channels.tflite",
            "MobileNetV2 1.0, 8-bit with a scale per channel, 224 x 224, 1001 ImageNet classes",
            Coral, CoralCommit, "tf2_mobilenet_v2_1.0_224_ptq.tflite", "Apache-2.0",
            "5d3137241276e79c86d14a74fe43581398ae0e815191d3dba45495b810840e8c", 4_070_174, Tune),
        FromGitHub(
            "mobilenet-v2-0.35-features", "mobilenet-v2-0.35-features.tflite", "MobileNetV2 0.35 without its last layer, 96 x 96, 1280 features",
            "tensorflow/examples", "d663964de2555244764883aedb7cd77eea79a5d7",
            "tensorflow_examples/lite/model_maker/core/data_util/testdata/mobilenet_v2_035_96_embedder_with_metadata.tflite", "Apache-2.0",
            "0e504dcf1ca711a4cb6c1019672ba22a9c9f51ae45b439e7ee4390a387361fad", 566_166, Tune),
        FromMediaPipe(
            "mobilenet-v1-0.25", "MobileNetV1 0.25, float32, 224 x 224, 1001 ImageNet classes",
            "mobilenet_v1_0.25_224_1_metadata_1.tflite?generation=1661875828385370",
            "348cc1221740b9fe1f609c964eff5bf09650bda76341c30aa27800b3da6171f4", 1_894_378),
        FromGitHub(
            "mobilenet-v1-0.25-8bit", "mobilenet-v1-0.25-8bit.tflite", "MobileNetV1 0.25, 8-bit, 128 x 128, 1001 ImageNet classes", Coral, CoralCommit,
            "mobilenet_v1_0.25_128_quant.tflite", "Apache-2.0", "cb273c23ee76374b05b9583177e28aa19744858a7679c56a250e83d0333da785", 525_598, Tune),
        FromGitHub(
            "squeezenet-1.0", "squeezenet-1.0.onnx", "SqueezeNet 1.0, float16, 224 x 224, 1000 ImageNet classes; needs --mean 103.94,116.78,123.68 --color bgr",
            "microsoft/Windows-Machine-Learning", "044757481c274e4749f5c192962168520807b4cc", "SharedContent/models/SqueezeNet_fp16.onnx", "MIT",
            "21f25e3d9254af93e6218a359469fac714a017b3f9035c0f5c4acbf9a3ff7233", 2_484_091, Tune + " --mean 103.94,116.78,123.68 --std 1 --color bgr"),
        FromGitHub(
            "resnet20-cifar10-weights", "resnet20-cifar10.pth", "weights of ResNet-20, 32 x 32, 10 classes of CIFAR-10; for thomas train resnet20 --weights",
            "akamaster/pytorch_resnet_cifar10", "66514ca38d5679354766dee91e912d8766bdd227", "pretrained_models/resnet20-12fca82f.th", "BSD-2-Clause",
            "12fca82f0bebc4135bf1f32f6e3710e61d5108578464b84fd6d7f5c1b04036c8", 1_099_231, "thomas train resnet20 --data photos --weights {0}"),
    ];

    /// <summary>The model of a name, whatever its case; null if there is none.</summary>
    public static StockModel? Find(string name)
    {
        foreach (StockModel model in Models)
        {
            if (model.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) return model;
        }

        return null;
    }

    // The project's list of the files that its tests need: address, with the generation of the object, and checksum.
    private static StockModel FromMediaPipe(string name, string description, string file, string sha256, long? bytes) => new(
        name, $"{name}.tflite", description, MediaPipe, MediaPipeCommit, "third_party/external_files.bzl", "Apache-2.0", sha256, bytes,
        new Uri($"https://storage.googleapis.com/mediapipe-assets/{file}"), Tune);

    private static StockModel FromGitHub(
        string name, string fileName, string description, string repository, string commit, string path, string license, string sha256, long bytes,
        string use) => new(
            name, fileName, description, repository, commit, path, license, sha256, bytes,
            new Uri($"https://raw.githubusercontent.com/{repository}/{commit}/{path}"), use);
}
