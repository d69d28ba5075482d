using System;
using System.Collections.Generic;
using System.Text.Json.Serialization;

namespace Thomas.Studio;

// What the API answers and takes; docs/studio.md describes it.
internal sealed record ErrorReply(ErrorBody Error);

internal sealed record ErrorBody(string Code, string Message, IReadOnlyDictionary<string, long>? Details);

internal sealed record ReadyReply(bool Ready);

internal sealed record AboutReply(
    string Version,
    string Tier,
    IReadOnlyList<DeviceReply> Devices,
    string Folder,
    IReadOnlyList<string> Languages,
    IReadOnlyList<CatalogReply> Catalog,
    Sentence? PullReason,
    SensorReply Sensors,
    LimitReply Limits);

internal sealed record DeviceReply(string Id, string Name);

internal sealed record CatalogReply(string Name, string Title, long? Bytes, string License);

internal sealed record SensorReply(double? Temperature, double? Battery, bool? IsCharging, string? Energy);

internal sealed record LimitReply(long ImageBytes, long ModelBytes, int ImagesPerProject);

internal sealed record ModelReply(
    string Id, string Name, string File, long Bytes, InputReply Inputs, int? Classes, bool HasLabels, bool IsStarter, bool IsPhoto,
    Sentence? Note, double? Preparing);

internal sealed record InputReply(int Width, int Height, int Channels);

internal sealed record TaskReply(string Task);

internal sealed record ProjectReply(string Id, string Name, string Model, int Classes, int Images, DateTimeOffset Changed, string? Run);

internal sealed record ClassReply(string Name, int Images);

internal sealed record ItemReply(long Id, string Class, DateTimeOffset Added);

internal sealed record AddedReply(ItemReply Item, int Images);

internal sealed record ItemsReply(IReadOnlyList<ItemReply> Items, int Total);

internal sealed record AccuracyReply(double Value, double Low, double High, int Images);

internal sealed record ShareReply(double Accuracy, double Low, double High, int Images);

internal sealed record HeadReply(
    bool IsTrained, bool IsStale, bool IsTraining, Sentence? Problem, AccuracyReply? Accuracy, Sentence? Checked, int Images, double Seconds);

internal sealed record StateReply(
    string Id,
    string Name,
    ModelReply Model,
    IReadOnlyList<ClassReply> Classes,
    int Images,
    bool CanUndo,
    bool CanRedo,
    HeadReply Head,
    RunReply? Run,
    IReadOnlyList<Sentence> Notices);

internal sealed record ScoreReply(string Label, double Probability);

internal sealed record ClassifyReply(IReadOnlyList<ScoreReply> Scores, double Milliseconds, string Which);

internal sealed record ConfusionReply(IReadOnlyList<string> Labels, int[][] Rows);

internal sealed record PerClassReply(string Label, double? Recall, double? Precision, int Images);

internal sealed record WrongReply(long Item, string Class, string Said, double Probability);

internal sealed record ReportReply(
    bool Trained,
    Sentence Checked,
    ShareReply? Before,
    ShareReply? After,
    ConfusionReply? Confusion,
    IReadOnlyList<PerClassReply> PerClass,
    IReadOnlyList<WrongReply> Wrong,
    IReadOnlyList<Sentence> Warnings,
    double Seconds);

internal sealed record PlanRowReply(
    string Policy, long MemoryBytes, double? SecondsPerEpoch, double? SecondsTotal, double? Joules, long TrainedParameters, bool Fits);

/// <summary>Rows, and the words that 'compress' may have with this network and device.</summary>
internal sealed record PlanReply(IReadOnlyList<PlanRowReply> Rows, int Images, IReadOnlyList<string> Compress, IReadOnlyList<Sentence> Notes);

internal sealed record CurveReply(int Epoch, double TrainLoss, double? ValidationLoss, double? TrainAccuracy, double? ValidationAccuracy);

internal sealed record RunReply(
    string Policy,
    int Epochs,
    string Device,
    string Status,
    Sentence? Error,
    int Epoch,
    int Step,
    int Steps,
    double? SecondsLeft,
    double Seconds,
    string? PausedBy,
    IReadOnlyList<CurveReply> Curves,
    IReadOnlyList<double[]> Losses,
    ShareReply? Before,
    ShareReply? After,
    double? Joules,
    bool HasResult,
    bool IsStale,
    IReadOnlyList<Sentence> Notices);

internal sealed record TrainingEvent(string Stage, int Done, int Total);

internal sealed record PullEvent(string Task, string Name, long Done, long Total, Sentence? Error, string? Model);

internal sealed record EmptyEvent;

// Requests. All members may be missing: whoever reads them checks.
internal sealed record NameRequest(string? Name);

internal sealed record NewProjectRequest(string? Name, string? Model);

internal sealed record RenameRequest(string? From, string? To);

internal sealed record RelabelRequest(string? Class);

internal sealed record PlanRequest(int? Batch, string? Device, int? Epochs, long? MemoryBytes, string? Compress);

internal sealed record RunRequest(string? Policy, int? Epochs, int? Batch, string? Device, long? MemoryBytes, string? Compress, float? LearningRate);

internal sealed record ExportRequest(string? Format, string? Which);

/// <summary>Writes and reads all of these without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorReply))]
[JsonSerializable(typeof(ReadyReply))]
[JsonSerializable(typeof(AboutReply))]
[JsonSerializable(typeof(ModelReply))]
[JsonSerializable(typeof(IReadOnlyList<ModelReply>))]
[JsonSerializable(typeof(TaskReply))]
[JsonSerializable(typeof(ProjectReply))]
[JsonSerializable(typeof(IReadOnlyList<ProjectReply>))]
[JsonSerializable(typeof(AddedReply))]
[JsonSerializable(typeof(ItemsReply))]
[JsonSerializable(typeof(StateReply))]
[JsonSerializable(typeof(ClassifyReply))]
[JsonSerializable(typeof(ReportReply))]
[JsonSerializable(typeof(PlanReply))]
[JsonSerializable(typeof(RunReply))]
[JsonSerializable(typeof(TrainingEvent))]
[JsonSerializable(typeof(PullEvent))]
[JsonSerializable(typeof(Sentence))]
[JsonSerializable(typeof(EmptyEvent))]
[JsonSerializable(typeof(NameRequest))]
[JsonSerializable(typeof(NewProjectRequest))]
[JsonSerializable(typeof(RenameRequest))]
[JsonSerializable(typeof(RelabelRequest))]
[JsonSerializable(typeof(PlanRequest))]
[JsonSerializable(typeof(RunRequest))]
[JsonSerializable(typeof(ExportRequest))]
internal sealed partial class StudioJson : JsonSerializerContext;
