using System.Collections.Generic;
using System.Text.Json.Serialization;
using Thomas.Study;

namespace Thomas.App.Reports;

// The shapes of --json. Names are camelCase there; what is null is left out.

internal sealed record PreprocessingReport(
    int Width, int Height, IReadOnlyList<float> Mean, IReadOnlyList<float> Std, string Color, string Resize, double CropMargin, string Source, bool IsGuess)
{
    /// <summary>What transparent parts are laid over, as #RRGGBB.</summary>
    public required string Background { get; init; }
}

internal sealed record TensorReport(string Name, string Type, IReadOnlyList<int> Shape);

internal sealed record OperatorReport(string Name, int Count, long MultiplyAdds);

internal sealed record InspectReport(
    string File,
    string Format,
    string Version,
    long Bytes,
    bool IsQuantized,
    bool BatchIsSymbolic,
    string InputLayout,
    IReadOnlyList<TensorReport> Inputs,
    IReadOnlyList<TensorReport> Outputs,
    long Parameters,
    long HalfParameters,
    long ParameterBytes,
    long MultiplyAdds,
    long? ArenaBytes,
    long? PackedWeightBytes,
    IReadOnlyList<OperatorReport> Operators,
    ClassOutputReport ClassOutput,
    IReadOnlyList<string>? Labels,
    PreprocessingReport? Preprocessing,
    string? Tunable,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string> Warnings,
    string? Graph)
{
    /// <summary>Feature vectors that the model carries; null for none.</summary>
    public RehearsalReport? Rehearsal { get; init; }
}

internal sealed record ClassOutputReport(
    int Index, string Name, int Numbers, int Classes, string Kind, bool IsIndependent, double? Threshold, string Description);

internal sealed record ClassReport(int Index, string Label, float Probability);

internal sealed record ImageReport(string Path, IReadOnlyList<ClassReport>? Classes, string? Error)
{
    /// <summary>Whether the image is like none of the model's training images; this and the next two are null where the model has no threshold.</summary>
    public bool? Unknown { get; init; }

    /// <summary>Similarity to the nearest training vectors, -1 to 1.</summary>
    public float? Similarity { get; init; }

    /// <summary>The similarity below which an image is unknown.</summary>
    public float? Threshold { get; init; }
}

internal sealed record ClassifyReport(
    string Model, ClassOutputReport ClassOutput, PreprocessingReport Preprocessing, string Device, IReadOnlyList<ImageReport> Images,
    IReadOnlyList<string>? Kernels)
{
    /// <summary>The file of <c>--explain</c>; null where none was asked for.</summary>
    public string? ExplanationFile { get; init; }
}

internal sealed record StageReport(string Name, double Seconds);

internal sealed record BrokenReport(string Path, string Reason);

internal sealed record SuspectReport(string Path, string Label, string Suggested, double Doubt);

internal sealed record FoundImageReport(string Path, string Label, string? Part);

internal sealed record FindingReport(string Kind, string Severity, string? Match, string Message, IReadOnlyList<FoundImageReport> Images);

internal sealed record CheckReport(
    string Data, int Images, IReadOnlyList<string> Classes, int Warnings, bool IsComplete, IReadOnlyList<FindingReport> Findings, double Seconds)
{
    /// <summary>The file of <c>--model</c>; null where none was given.</summary>
    public string? Model { get; init; }

    /// <summary>The file of <c>--report</c>; null where none was asked for.</summary>
    public string? ReportFile { get; init; }
}

internal sealed record EvaluateReport(
    string Model,
    string Data,
    string Device,
    AccuracyReport Result,
    double Top5Accuracy,
    PreprocessingReport Preprocessing,
    IReadOnlyList<StageReport> Stages,
    IReadOnlyList<BrokenReport> Broken,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string>? Kernels)
{
    public required ClassOutputReport ClassOutput { get; init; }

    public required IReadOnlyList<string> UncheckedClasses { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>How many of the images the model calls unknown; null where it has no threshold.</summary>
    public UnknownReport? Unknown { get; init; }

    /// <summary>The file of <c>--predictions</c>; null where none was asked for.</summary>
    public string? PredictionsFile { get; init; }

    /// <summary>The file of <c>--mistakes</c>; null where none was asked for.</summary>
    public string? MistakesFile { get; init; }

    /// <summary>The file of <c>--suspects</c>; null where none was asked for.</summary>
    public string? SuspectsFile { get; init; }

    /// <summary>Images that probably carry the wrong label; null where that was not looked for.</summary>
    public IReadOnlyList<SuspectReport>? Suspects { get; init; }
}

internal sealed record TuneReport(
    string Model,
    string Data,
    string Output,
    string Device,
    bool Cancelled,
    ulong Seed,
    int TrainingImages,
    IReadOnlyList<string> Labels,
    string BeforeMethod,
    AccuracyReport Before,
    AccuracyReport After,
    int BestEpoch,
    IReadOnlyList<EpochEntry> Epochs,
    double FirstEpochSeconds,
    double? LaterEpochSeconds,
    PreprocessingReport Preprocessing,
    IReadOnlyList<StageReport> Stages,
    IReadOnlyList<BrokenReport> Broken,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string>? Kernels)
{
    public string Update { get; init; } = "last";

    public required CheckedReport Checked { get; init; }

    public required bool IsBelowBaseline { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    public AccuracyReport? AfterLastLayer { get; init; }

    /// <summary>What became of classes that were kept; null where none were, or nothing could be measured.</summary>
    public OldClassesReport? OldClasses { get; init; }

    /// <summary>Feature vectors that the model carries; null for none.</summary>
    public RehearsalReport? Rehearsal { get; init; }

    /// <summary>The threshold for unknown images that was stored, and how many of the images that it was found on are below it; null for none.</summary>
    public UnknownReport? Unknown { get; init; }

    public NetworkEntry? Network { get; init; }

    /// <summary>What <c>--max-temperature</c> and <c>--min-battery</c> did; null without them.</summary>
    public PausesReport? Pauses { get; init; }

    /// <summary>What <c>--compress frozen</c> or <c>int8</c> did before training; null without them.</summary>
    public EightBitsReport? EightBits { get; init; }

    public UsageReport? Usage { get; init; }

    public ProcessReport? Process { get; init; }

    /// <summary>The file of <c>--predictions</c>; null where none was asked for.</summary>
    public string? PredictionsFile { get; init; }

    /// <summary>The file of <c>--mistakes</c>; null where none was asked for.</summary>
    public string? MistakesFile { get; init; }

    /// <summary>The folder of <c>--report</c>; null where none was asked for.</summary>
    public string? ReportFolder { get; init; }

    /// <summary>The file of <c>--suspects</c>; null where none was asked for.</summary>
    public string? SuspectsFile { get; init; }

    /// <summary>Images that probably carry the wrong label; null where that was not looked for.</summary>
    public IReadOnlyList<SuspectReport>? Suspects { get; init; }
}

internal sealed record PausesReport(double Seconds, int Count, IReadOnlyList<string> Reasons, string? StopReason);

internal sealed record OldClassesReport(string Method, AccuracyReport Before, AccuracyReport After);

internal sealed record RehearsalReport(int Vectors, int Features, int Bytes)
{
    /// <summary>The similarity below which an image is unknown; null for none.</summary>
    public float? Threshold { get; init; }
}

internal sealed record UnknownReport(float Threshold, int Images, int Refused);

internal sealed record CheckedReport(string Description, int Images, int KeptClasses, IReadOnlyList<string> UncheckedClasses);

internal sealed record MemoryPartReport(string Name, long Bytes);

internal sealed record MemoryStageReport(string Name, long Bytes, IReadOnlyList<MemoryPartReport> Parts)
{
    /// <summary>What of it is in the memory of a device that is not the CPU; null on the CPU.</summary>
    public long? DeviceBytes { get; init; }
}

/// <summary>Memory of the process: with the model loaded, at its peak, and what was planned beside the model.</summary>
internal sealed record ProcessReport(long StartBytes, long? PeakBytes, long? PlannedBytes, long? BoundBytes, IReadOnlyList<MemoryStageReport>? Stages);

internal sealed record RecomputedReport(string Name, long Bytes, long MultiplyAdds);

internal sealed record PolicyReport(
    string Policy,
    long TrainedParameters,
    int MicroBatch,
    int Runs,
    long TotalBytes,
    long? SmallestBytes,
    IReadOnlyList<MemoryPartReport> Memory,
    long? ModelCopyBytes,
    long MultiplyAdds,
    long? ForwardMultiplyAdds,
    long? BackwardMultiplyAdds,
    long? RecomputedMultiplyAdds,
    double SecondsPerStep,
    double? SecondsPerImageOnce,
    IReadOnlyList<string>? TrainedTensors,
    IReadOnlyList<RecomputedReport>? Recomputed,
    IReadOnlyList<long>? Timeline)
{
    public long? RunBytes { get; init; }

    /// <summary>In which form activations are kept for the backward pass: <c>none</c> for float32; null where the last layer alone is trained.</summary>
    public string? Compression { get; init; }

    /// <summary>How many results are kept as 16-bit floats, and the most bytes of them at one time; null where none is.</summary>
    public int? KeptInHalves { get; init; }

    public long? KeptBytes { get; init; }

    /// <summary>What of the step is in the memory of a device that is not the CPU, and what in the host's; null on the CPU, as are the next two.</summary>
    public long? DeviceBytes { get; init; }

    public long? HostBytes { get; init; }

    /// <summary>The most that the run has at once in the memory of the device, and in that of the host.</summary>
    public long? RunDeviceBytes { get; init; }

    public long? RunHostBytes { get; init; }

    public IReadOnlyList<MemoryStageReport>? RunStages { get; init; }
}

internal sealed record PlanReport(
    string Model, string Device, int Classes, int Batch, string Optimizer, IReadOnlyList<PolicyReport> Policies, IReadOnlyList<string> Notes)
{
    /// <summary>The rows of <c>--ladder</c>; null without it.</summary>
    public IReadOnlyList<LadderReport>? Ladder { get; init; }
}

/// <summary>A way to train, and the memory of its step.</summary>
internal sealed record LadderReport(
    string Name, long TrainedParameters, long WeightBytes, long OptimizerBytes, long ActivationBytes, long GradientBytes, long OtherBytes,
    long BeyondWeightsBytes, long TotalBytes, int Runs, int MicroBatch, double SecondsPerStep);

internal sealed record TrainReport(
    string Architecture,
    string Data,
    string Output,
    string Device,
    bool Cancelled,
    ulong Seed,
    long Parameters,
    IReadOnlyList<string> Labels,
    AccuracyReport? Validation,
    AccuracyReport? Test,
    int BestEpoch,
    IReadOnlyList<EpochEntry> Epochs,
    NetworkEntry Network,
    IReadOnlyList<StageReport> Stages,
    IReadOnlyList<BrokenReport> Broken,
    IReadOnlyList<string> Notes,
    IReadOnlyList<string>? Kernels)
{
    public UsageReport? Usage { get; init; }

    public AccuracyReport? Before { get; init; }

    public required bool IsBelowBaseline { get; init; }

    public required IReadOnlyList<string> Warnings { get; init; }

    /// <summary>What <c>--max-temperature</c> and <c>--min-battery</c> did; null without them.</summary>
    public PausesReport? Pauses { get; init; }

    public ProcessReport? Process { get; init; }

    /// <summary>The file of <c>--predictions</c>; null where none was asked for.</summary>
    public string? PredictionsFile { get; init; }

    /// <summary>The file of <c>--mistakes</c>; null where none was asked for.</summary>
    public string? MistakesFile { get; init; }

    /// <summary>The folder of <c>--report</c>; null where none was asked for.</summary>
    public string? ReportFolder { get; init; }
}

internal sealed record NetworkEntry(
    long TrainedParameters, double SecondsPerStep, double WaitedShare, int Restarts, float LearningRate, long VariableBytes, long StepBytes, long RollbackBytes,
    long BestBytes, long BatchBytes, long ValidationBytes)
{
    /// <summary>What of all these is in the memory of a device that is not the CPU; null on the CPU.</summary>
    public long? DeviceBytes { get; init; }

    /// <summary>In which form activations were kept for the backward pass: <c>none</c> for float32.</summary>
    public required string Compression { get; init; }
}

internal sealed record ConvertReport(string Model, string Output, long Bytes)
{
    public string? Architecture { get; init; }

    public IReadOnlyList<string>? Notes { get; init; }

    public UsageReport? Usage { get; init; }

    public Int8Report? Int8 { get; init; }
}

/// <summary>What became of a float network, or of an 8-bit one that keeps its grids: then without what calibration images say.</summary>
internal sealed record Int8Report(
    int? CalibrationImages, double? Agreement, double? SignalToNoise, IReadOnlyList<string> FloatLayers, IReadOnlyList<string> Notes);

/// <summary>What became of a float network, or of its layers before the first trained one; without figures where the network had 8 bits already.</summary>
internal sealed record EightBitsReport(int? CalibrationImages, double? Agreement, double? SignalToNoise, IReadOnlyList<string> Notes);

internal sealed record UsageTensorReport(string Name, string Type, IReadOnlyList<string> Shape, string? Layout);

internal sealed record UsageReport(
    UsageTensorReport Input,
    UsageTensorReport Output,
    string Meaning,
    string? Normalization,
    IReadOnlyList<float>? Range,
    string? Resize,
    string? Code,
    string? LabelFile,
    long Bytes,
    long? SourceBytes,
    string? SizeNote);

internal sealed record DevicesReport(
    string Version, string Processor, string Architecture, string Tier, int VectorBits, int Processors, int PerformanceProcessors, IReadOnlyList<string> Caches,
    OpenClReport OpenCl, TuningReport? Tuning)
{
    public ImagesReport? Images { get; init; }
}

/// <summary>The decoder of images, and why it is not SkiaSharp; null where it is.</summary>
internal sealed record ImagesReport(string Decoder, string? Problem);

internal sealed record OpenClReport(string Library, string? Problem, IReadOnlyList<OpenClDeviceReport> Devices);

internal sealed record OpenClDeviceReport(
    int Number,
    string Name,
    string Vendor,
    string Kind,
    string Platform,
    string Version,
    string? Language,
    string Driver,
    int ComputeUnits,
    int Megahertz,
    long MemoryBytes,
    long LargestBuffer,
    long LocalBytes,
    long WorkGroup,
    int Alignment,
    bool IsUnified,
    IReadOnlyList<string> Extensions,
    string? Problem)
{
    /// <summary>What Thomas will use of it, by <c>THOMAS_OPENCL_SETTINGS</c> and by what suits it; null where it is of no use.</summary>
    public OpenClUseReport? Use { get; init; }

    /// <summary>What is known of its programs; null where it is of no use.</summary>
    public OpenClSelfTestReport? SelfTest { get; init; }
}

internal sealed record OpenClUseReport(int WorkGroup, long LocalBytes, long LargestBuffer, string Tiles);

internal sealed record OpenClSelfTestReport(int Passed, int Untested, IReadOnlyList<string> Failed);

internal sealed record TuningTimeReport(int Threads, int BlockRows, int BlockPanelBytes, double Milliseconds);

internal sealed record TuningReport(int Threads, int BlockRows, int BlockPanelBytes, IReadOnlyList<TuningTimeReport> Measured, string File);

internal sealed record DemoDigitsReport(int Training, int Test, IReadOnlyList<EpochEntry> Epochs, double TestAccuracy, double Seconds);

internal sealed record DemoPolicyReport(
    string Policy, long TrainedParameters, double AccuracyBefore, double AccuracyAfter, int OwnCorrect, double Seconds, long StepBytes);

internal sealed record DemoLettersReport(int Training, int Test, int Epochs, int Steps, int Batch, IReadOnlyList<DemoPolicyReport> Policies, string Saved);

internal sealed record DemoReport(
    ulong Seed, string Device, DemoDigitsReport Digits, DemoLettersReport Letters, string Conclusion, string Folder, IReadOnlyList<string> Files);

internal sealed record StockModelReport(
    string Name, string File, string Description, string License, string Repository, string Commit, string Path, string Url, string Sha256, long? Bytes);

internal sealed record StockModelsReport(IReadOnlyList<StockModelReport> Models);

internal sealed record PullReport(
    string Output, string Url, string Sha256, long Bytes, long ResumedAt, bool WasThere, StockModelReport? Model);

internal sealed record StudioReport(string Address, int Port, string Token, string Folder, string? Fingerprint);

internal sealed record StudioReadyReport(int? Port, string? Token, int? Pid, string? Error);

internal sealed record BenchReport(
    string Folder, IReadOnlyList<string> Files, bool IsComplete, int Timings, int Kernels, int Accuracies, IReadOnlyList<AbsentCell> Absent, double Seconds);

internal sealed record CellDifferenceReport(string Id, string Change, double BeforeSeconds, double AfterSeconds, double Ratio, double Low, double High);

internal sealed record BenchDiffReport(
    IReadOnlyList<CellDifferenceReport> Cells, int Slower, int Faster, int Same, IReadOnlyList<string> OnlyBefore, IReadOnlyList<string> OnlyAfter,
    IReadOnlyList<string> Notes);

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(InspectReport))]
[JsonSerializable(typeof(ClassifyReport))]
[JsonSerializable(typeof(EvaluateReport))]
[JsonSerializable(typeof(CheckReport))]
[JsonSerializable(typeof(TuneReport))]
[JsonSerializable(typeof(TrainReport))]
[JsonSerializable(typeof(PlanReport))]
[JsonSerializable(typeof(ConvertReport))]
[JsonSerializable(typeof(DevicesReport))]
[JsonSerializable(typeof(DemoReport))]
[JsonSerializable(typeof(PullReport))]
[JsonSerializable(typeof(StockModelsReport))]
[JsonSerializable(typeof(StudioReport))]
[JsonSerializable(typeof(StudioReadyReport))]
[JsonSerializable(typeof(BenchReport))]
[JsonSerializable(typeof(BenchDiffReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
