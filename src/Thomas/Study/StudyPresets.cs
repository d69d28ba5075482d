using System.Collections.Generic;

namespace Thomas.Study;

/// <summary>Studies that need no file.</summary>
internal static class StudyPresets
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["quick", "standard", "paper"];

    /// <summary>One of them.</summary>
    /// <exception cref="ThomasException">There is none of that name.</exception>
    public static StudyPlan Get(string name) => name switch
    {
        "quick" => Quick,
        "standard" => Standard,
        "paper" => Paper,
        _ => throw new ThomasException($"There is no preset '{name}'; there are {string.Join(", ", Names)}."),
    };

    private static readonly string[] AllDevices = ["serial", "cpu", "opencl", "hybrid"];

    /// <summary>Under two minutes, with what the program draws itself.</summary>
    private static StudyPlan Quick => new()
    {
        Title = "Quick study",
        Visits = 3,
        Rounds = 5,
        SecondsEach = 1.5,
        Experiments =
        [
            new StudyExperiment
            {
                Title = "Speed",
                Measure = [StudyExperiment.TimesMeasure],
                Models = ["lenet5"],
                Policies = [StudyExperiment.Inference, "last", "last:2", "all"],
                Devices = AllDevices,
                Threads = [1, 0],
                Batches = [32],
            },
            new StudyExperiment
            {
                Title = "MobileNetV2 at 96 pixels",
                Measure = [StudyExperiment.TimesMeasure],
                Models = ["mobilenet-v2:96x96x3"],
                Policies = [StudyExperiment.Inference, "all"],
                Threads = [1, 0],
                Batches = [4],
            },
            new StudyExperiment
            {
                Title = "Kernels",
                Measure = [StudyExperiment.KernelsMeasure],
                Models = ["lenet5", "mobilenet-v2:96x96x3"],
                Policies = ["all", "last", "last:2"],
                Threads = [1],
                Batches = [8],
            },
            new StudyExperiment
            {
                Title = "Images",
                Measure = [StudyExperiment.DataMeasure],
                Models = [StudySources.DigitsModel],
                Data = [StudySources.DrawnLetters],
            },
            new StudyExperiment
            {
                Title = "Digits become letters",
                Measure = [StudyExperiment.AccuracyMeasure],
                Models = [StudySources.DigitsModel],
                Data = [StudySources.DrawnLetters],
                Policies = ["last", "bias", "all", "scratch"],
                Epochs = 10,
            },
        ],
    };

    /// <summary>Networks of the size that phones run, without files; about a quarter of an hour.</summary>
    private static StudyPlan Standard => new()
    {
        Title = "Standard study",
        Published = true,
        SecondsEach = 2,
        Rounds = 8,
        Experiments =
        [
            Speed(["lenet5", "resnet20", "squeezenet", "mobilenet-v2"], [StudyExperiment.Inference, "last", "last:2", "bias", "all", "scratch"]),
            Compressed(["mobilenet-v2"]),
            Batches("Batch size", ["lenet5", "mobilenet-v2"], [1, 2, 4, 8, 16, 32]),
            KernelKindsOf("Kernels", ["lenet5", "lenet5:32x32x3", "mobilenet-v2"], 8),
            new StudyExperiment
            {
                Title = "Digits become letters",
                Measure = [StudyExperiment.AccuracyMeasure, StudyExperiment.DataMeasure],
                Models = [StudySources.DigitsModel],
                Data = [StudySources.DrawnLetters],
                Policies = ["last", "last:2", "bias", "all", "scratch"],
                Seeds = 3,
            },
        ],
    };

    /// <summary>The figures of the 2018 report, with real data sets that are given by name.</summary>
    private static StudyPlan Paper => new()
    {
        Title = "The figures of 2018",
        Published = true,
        SecondsEach = 2,
        Rounds = 8,
        Experiments =
        [
            Speed(["lenet5", "lenet5:32x32x3", "alexnet", "mobilenet-v2"], [StudyExperiment.Inference, "last", "last:2", "bias", "all"]),
            KernelKindsOf("LeNet on MNIST", ["lenet5"], 128),
            KernelKindsOf("LeNet on CIFAR-10", ["lenet5:32x32x3"], 16),
            KernelKindsOf("AlexNet and MobileNetV2", ["alexnet", "mobilenet-v2"], 8),
            Compressed(["mobilenet-v2"]),
            Batches("Batch size of LeNet", ["lenet5", "lenet5:32x32x3"], [1, 4, 16, 64, 128, 256]),
            Batches("Batch size of AlexNet and MobileNetV2", ["alexnet", "mobilenet-v2"], [1, 2, 4, 8, 16]),
            new StudyExperiment
            {
                Title = "OpenCL switches",
                Measure = [StudyExperiment.TimesMeasure],
                Models = ["lenet5", "mobilenet-v2"],
                Policies = [StudyExperiment.Inference, "all"],
                Devices = ["opencl"],
                Switches = ["", "fast-math", "blocking", "no-binaries", "transfer=copy", "transfer=map", "groups=1d", "groups=2d", "separate", "scalar"],
            },
            Accuracy("Accuracy on MNIST", ["lenet5"], "mnist", ["scratch"], 2),
            Accuracy("Accuracy on CIFAR-10", ["lenet5:32x32x3"], "cifar10", ["scratch"], 3),
            Accuracy("Accuracy on flowers", ["mobilenet"], "flowers", ["last", "last:2", "bias", "all"], 8),
            new StudyExperiment
            {
                Title = "Images",
                Measure = [StudyExperiment.DataMeasure],
                Models = ["mobilenet"],
                Data = ["flowers"],
            },
        ],
    };

    private static StudyExperiment Speed(IReadOnlyList<string> models, IReadOnlyList<string> policies) => new()
    {
        Title = "Speed",
        Measure = [StudyExperiment.TimesMeasure],
        Models = models,
        Policies = policies,
        Devices = AllDevices,
        Threads = [1, 0],
    };

    private static StudyExperiment Compressed(IReadOnlyList<string> models) => new()
    {
        Title = "16 and 8 bits",
        Measure = [StudyExperiment.TimesMeasure],
        Models = models,
        Policies = [StudyExperiment.Inference, "last:3", "all"],
        Devices = ["cpu", "opencl"],
        Threads = [1],
        Types = StudyExperiment.KnownTypes,
    };

    private static StudyExperiment KernelKindsOf(string title, IReadOnlyList<string> models, int batch) => new()
    {
        Title = title,
        Measure = [StudyExperiment.KernelsMeasure],
        Models = models,
        Policies = ["all", "last", "last:2"],
        Devices = ["cpu", "opencl"],
        Threads = [1],
        Batches = [batch],
    };

    private static StudyExperiment Batches(string title, IReadOnlyList<string> models, IReadOnlyList<int> sizes) => new()
    {
        Title = title,
        Measure = [StudyExperiment.TimesMeasure],
        Models = models,
        Policies = ["all"],
        Devices = ["cpu", "opencl"],
        Threads = [1],
        Batches = sizes,
    };

    private static StudyExperiment Accuracy(string title, IReadOnlyList<string> models, string data, IReadOnlyList<string> policies, int? epochs) => new()
    {
        Title = title,
        Measure = [StudyExperiment.AccuracyMeasure],
        Models = models,
        Data = [data],
        Policies = policies,
        Seeds = 3,
        Epochs = epochs,
    };
}
