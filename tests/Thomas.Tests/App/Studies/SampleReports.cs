using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Study;

namespace Thomas.Tests.App.Studies;

/// <summary>Made-up reports for tests of what is made from reports.</summary>
internal static class SampleReports
{
    /// <summary>Text that would do harm if it were not escaped: markup, formulas, table and terminal controls, writing direction, a lone surrogate.</summary>
    public const string Hostile = "=<script>alert(1)</script>|\"'&`*_[x](http://evil.example/a)\n\u001B[31m\u202E\uD800";

    /// <summary>One of these by its name.</summary>
    public static StudyReport Named(string which) => which switch
    {
        "rich" => Rich(),
        "hostile" => Rich(Hostile) with { Title = Hostile },
        "bare" => Bare(),
        _ => throw new ArgumentException($"There is no report '{which}'.", nameof(which)),
    };

    /// <summary>A report with something in every section, as long as that of a real study.</summary>
    public static StudyReport Rich(string label = "daisy") => new()
    {
        Schema = StudyReport.CurrentSchema,
        Kind = "bench",
        Title = "Study 'standard' on one machine",
        Header = Header() with { Command = $"thomas bench --data '{label}'" },
        Timings = [.. Timings()],
        Kernels = [.. Kernels()],
        Accuracies = [.. Accuracies(label)],
        Sensors = Sensors(),
        Absent = [new AbsentCell("compression", "step/mobilenet_v2/all/8/cpu/2/int8", "8-bit arithmetic is not built yet."),
            new AbsentCell("devices", $"step/lenet5/all/8/{label}", "The device has too little memory: 120 MiB are needed.")],
        Published = [new PublishedFigure(
            "TransferCL", "LeNet, all layers, Samsung Galaxy S7 (Mali-T880), batch 128", "180 ms a step", "Valery et al., 2017, table 3")],
        Stages = [new StageSeconds("decode", 1.5), new StageSeconds("features", 3.25), new StageSeconds("training", 7.1)],
        Notes = ["Class names that look the same: 'a' and 'A'.", $"The folder {label} was read."],
    };

    /// <summary>A report with nothing but its head.</summary>
    public static StudyReport Bare() => new()
    {
        Schema = StudyReport.CurrentSchema,
        Kind = "tune",
        Title = "Nothing yet",
        Header = Header() with { IsComplete = false, Commit = null, Devices = [] },
    };

    private static ReportHeader Header() => new()
    {
        Began = new DateTimeOffset(2026, 11, 29, 14, 5, 9, TimeSpan.FromHours(1)),
        Seconds = 812.4,
        IsComplete = true,
        Version = "thomas 0.1.0",
        Commit = "18634fa05a3e237f374a018469debd1cdfaab5d4",
        Command = "thomas bench --preset standard",
        Seed = 1,
        Processor = "AMD EPYC 9R14",
        Architecture = "X64",
        Tier = "avx512",
        Processors = 8,
        PerformanceProcessors = 4,
        MemoryBytes = 16L << 30,
        System = "Debian GNU/Linux 12 (bookworm)",
        Runtime = ".NET 10.0.12 (NativeAOT)",
        Devices = [new ReportDevice("opencl:0", "pthread-AMD EPYC 9R14", "3.1+debian", "Portable Computing Language")],
    };

    private static IEnumerable<TimingCell> Timings()
    {
        (string Device, int Threads, double Scale)[] devices = [
            ("serial", 1, 40), ("cpu", 1, 2.0), ("cpu", 2, 1.1), ("opencl:0", 2, 1.4), ("hybrid:0", 2, 0.9)];
        foreach ((string model, double cost) in new[] { ("lenet5", 0.0004), ("mobilenet_v2_1.0_224", 0.012) })
        {
            foreach (string policy in new[] { "inference", "last", "last:2", "bias", "all" })
            {
                foreach ((string device, int threads, double scale) in devices)
                {
                    string stage = policy == "inference" ? TimingCell.Inference : TimingCell.Step;
                    double work = policy switch { "inference" => 1, "last" => 1.1, "last:2" => 1.3, "bias" => 2.2, _ => 3 };
                    yield return Cell("Devices", stage, model, policy, device, threads, 8, cost * scale * work * 8, "float32", "");
                }
            }
        }

        foreach (int batch in new[] { 1, 2, 4, 8, 16, 32, 64 })
        {
            foreach ((string device, int threads, double scale) in devices.Skip(1))
            {
                yield return Cell(
                    "Batch sizes", TimingCell.Step, "mobilenet_v2_1.0_224", "all", device, threads, batch, 0.036 * scale * (batch + 1.5), "float32", "");
            }
        }

        foreach ((string type, string switches, double scale) in new[] {
            ("float32", "", 1.0), ("half", "", 0.82), ("float32", "blocking", 1.25), ("float32", "fast-math", 0.97), ("float32", "no-binaries", 1.003) })
        {
            yield return Cell("Switches of OpenCL", TimingCell.Step, "mobilenet_v2_1.0_224", "all", "opencl:0", 2, 8, 0.4 * scale, type, switches);
        }

        foreach ((string device, double scale) in new[] { ("cpu", 1.0), ("onnxruntime 1.31.1", 1.25) })
        {
            yield return Cell("Other programs", TimingCell.Inference, "squeezenet1.1.onnx", "inference", device, 1, 1, 0.0056 * scale, "float32", "");
        }

        foreach ((string stage, double seconds) in new[] {
            (TimingCell.Decode, 0.0021), (TimingCell.Prepare, 0.0007), (TimingCell.Compile, 0.081), (TimingCell.FirstStep, 0.4) })
        {
            bool isImage = stage is TimingCell.Decode or TimingCell.Prepare;
            yield return Cell(
                "Stages", stage, isImage ? "flowers5" : "mobilenet_v2_1.0_224", isImage ? "inference" : "all", "cpu", 2, isImage ? 1 : 8, seconds, "float32",
                "");
        }
    }

    private static TimingCell Cell(
        string experiment, string stage, string model, string policy, string device, int threads, int batch, double seconds, string type, string switches)
    {
        List<TimingSample> samples = [];
        for (int i = 0; i < 11; i++) samples.Add(new TimingSample(seconds * (1 + (0.004 * ((i * 7 % 11) - 5)) + (i == 6 ? 0.4 : 0)), 210 * threads));
        bool isSerial = device == "serial";
        return new TimingCell
        {
            Id = $"{experiment}/{stage}/{model}/{policy}/{batch}/{device}/{threads}/{type}/{switches}",
            Experiment = experiment,
            Stage = stage,
            Model = model,
            Policy = policy,
            Device = device,
            Threads = threads,
            Batch = batch,
            Type = type,
            Switches = switches,
            MultiplyAdds = 300_000_000L * batch,
            Samples = samples,
            Summary = new TimingSummary(
                seconds, seconds * 0.99, seconds * 1.012, samples.Min(s => s.Seconds), samples.Max(s => s.Seconds), 1, 210 * threads),
            OverSerial = isSerial ? null : new SpeedUp("serial", 36.4, 35.9, 37.1, threads),
            OverOneThread = threads == 1 ? null : new SpeedUp("one", 1.82, 1.78, 1.87, 1.91),
            Joules = stage == TimingCell.Step && device == "cpu" ? 0.31 : null,
        };
    }

    private static IEnumerable<KernelProfile> Kernels()
    {
        foreach ((string model, double cost) in new[] { ("lenet5", 0.003), ("mobilenet_v2_1.0_224", 0.16) })
        {
            foreach ((string policy, double part) in new[] { ("last", 0.35), ("last:2", 0.45), ("all", 1.0) })
            {
                List<KernelKind> parts = [];
                for (int i = 0; i < KernelProfile.Kinds.Count; i++)
                {
                    string kind = KernelProfile.Kinds[i];
                    double weight = kind switch
                    {
                        KernelKinds.ForwardConvolution => 30,
                        KernelKinds.Activation => 3,
                        KernelKinds.Pooling => 1.5,
                        KernelKinds.Normalization => 12,
                        KernelKinds.BackwardData => 20 * part,
                        KernelKinds.WeightGradient => 22 * part,
                        KernelKinds.NormalizationBackward => 9 * part,
                        KernelKinds.NonKernel => 2,
                        _ => 0.1,
                    };
                    parts.Add(new KernelKind(kind, cost * part * weight / 100, 12, 1000));
                }

                double sum = parts.Sum(p => p.Seconds);
                yield return new KernelProfile
                {
                    Id = $"Kernels/kernels/{model}/{policy}/8/cpu/2/float32/",
                    Experiment = "Kernels",
                    Model = model,
                    Policy = policy,
                    Device = "cpu",
                    Threads = 2,
                    Batch = 8,
                    Type = "float32",
                    Switches = "",
                    Parts = parts,
                    TimedStepSeconds = sum * 1.015,
                    StepSeconds = sum,
                };
            }
        }
    }

    private static IEnumerable<AccuracyRun> Accuracies(string label)
    {
        foreach ((string policy, ulong seed, int right) in new[] {
            ("last", 1UL, 63), ("all", 1UL, 68), ("all", 2UL, 66), ("scratch", 1UL, 41), ("compared", 1UL, 67) })
        {
            yield return Run("mobilenet_v2_1.0_224", "flowers5", policy, seed, right, [label, "dandelion", "roses", "sunflowers", "tulips"]);
        }

        yield return Run("lenet5", "letters", "all", 1, 60, [.. Enumerable.Range(0, 26).Select(i => $"letter {(char)('A' + i)}")]);
    }

    private static AccuracyRun Run(string model, string data, string policy, ulong seed, int right, string[] labels)
    {
        List<EpochEntry> epochs = [];
        for (int e = 1; policy != "compared" && e <= 12; e++)
        {
            epochs.Add(new EpochEntry(e, 0.01f / e, 1.6 / e, 1 - (0.7 / e), 1.7 / Math.Sqrt(e), (right / 75.0) - (0.4 / e), 1.2));
        }

        return new AccuracyRun
        {
            Id = $"Accuracy/accuracy/{model}/{data}/{policy}/cpu/{seed}",
            Experiment = "Accuracy",
            Model = model,
            Data = data,
            Policy = policy,
            Device = "cpu",
            Seed = seed,
            Checked = "75 validation images",
            BeforeMethod = policy is "compared" or "scratch" ? null : "nearest centroid",
            Before = policy is "compared" or "scratch" ? null : Accuracy(58, labels),
            After = Accuracy(right, labels),
            Labels = labels,
            Epochs = epochs,
            BestEpoch = epochs.Count,
            Seconds = 14.2,
            Joules = 312,
            TrainingImages = 300,
        };
    }

    private static AccuracyReport Accuracy(int right, string[] labels)
    {
        int n = labels.Length;
        int[][] matrix = [.. labels.Select(_ => new int[n])];
        for (int i = 0; i < 75; i++) matrix[i % n][i < right ? i % n : (i + 1 + (i % 3)) % n]++;
        List<ClassMetricsReport> classes = [];
        for (int c = 0; c < n; c++)
        {
            int images = matrix[c].Sum(), correct = matrix[c][c], predicted = matrix.Sum(row => row[c]);
            classes.Add(new ClassMetricsReport(
                labels[c], images, correct, predicted, (double)correct / images, new IntervalReport(0.6, 0.97),
                predicted == 0 ? null : (double)correct / predicted));
        }

        double share = right / 75.0;
        return new AccuracyReport(share, new IntervalReport(share - 0.08, Math.Min(1, share + 0.05)), share, right, 75, classes, matrix);
    }

    private static SensorRecord Sensors()
    {
        double[] seconds = [.. Enumerable.Range(0, 100).Select(i => i * 8.0)];
        return new SensorRecord
        {
            Series = [
                new SensorSeries("x86_pkg_temp", "temperature", "°C", seconds, [.. seconds.Select(s => 48 + (30 * (1 - Math.Exp(-s / 120))))]),
                new SensorSeries("acpitz", "temperature", "°C", seconds, [.. seconds.Select(s => 40 + (9 * (1 - Math.Exp(-s / 300))))]),
                new SensorSeries("package-0", "power", "W", seconds, [.. seconds.Select(s => 35 + (4 * Math.Sin(s / 40)))]),
                new SensorSeries("cpu0", "clock", "MHz", seconds, [.. seconds.Select(s => 3700 - (s / 4))])],
            Absent = ["This system has no battery.", "No sensor says how fast the fans turn."],
            Joules = 28_400,
            EnergySource = "RAPL package-0",
            PausedSeconds = 12,
        };
    }
}
