using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>What the ancestors of Thomas, and programs it is compared with, have published of themselves. None of it was measured here.</summary>
internal static class PublishedFigures
{
    /// <summary>All figures.</summary>
    public static IReadOnlyList<PublishedFigure> All { get; } =
    [
        new(
            "Thomas (2018)", "128 MNIST images through LeNet on the GPU of a Galaxy S8 (Adreno 540)", "22.8 ms",
            "majeedthaika/THOMAS, final report, section 5"),
        new(
            "TensorFlow Lite, as the 2018 report gives it", "one image, sequential, on the CPU of a Snapdragon 835", "8 to 10 ms",
            "majeedthaika/THOMAS, final report, section 5"),
        new(
            "TransferCL", "last layer of LeNet-5 on 128 MNIST images, asked about the same images: right before and after, time", "16 and 128 of 128, 8.4 s",
            "OValery16/TransferCL, README, section 7"),
        new(
            "TensorFlow Lite", "MobileNet V1 1.0 224, one image, Pixel 3: 4 threads, GPU", "23.9 and 6.45 ms",
            "TensorFlow Lite, performance measurement, Android 10, 50 runs"),
        new(
            "TensorFlow Lite", "MobileNet V1 1.0 224, one image, Pixel 4: 4 threads, GPU", "14.0 and 9.0 ms",
            "TensorFlow Lite, performance measurement, Android 10, 50 runs"),
    ];
}
