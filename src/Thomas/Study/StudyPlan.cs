using System;
using System.Collections.Generic;
using System.Text.Json;
using System.Text.Json.Serialization;
using Thomas.Autodiff;

namespace Thomas.Study;

/// <summary>What a study measures: a file in JSON, or a preset.</summary>
/// <remarks>What has a default can be set, since the reader would put zeros in the place of defaults otherwise.</remarks>
internal sealed record StudyPlan
{
    private const int MostCells = 100_000;

    /// <summary>A title for the report.</summary>
    public required string Title { get; init; }

    /// <summary>The seed of everything random.</summary>
    public ulong Seed { get; set; } = 1;

    /// <summary>How often the study comes back to each cell, with new memory.</summary>
    public int Visits { get; set; } = 3;

    /// <summary>Samples of a cell in each visit, if there is time for them.</summary>
    public int Rounds { get; set; } = 10;

    /// <summary>Seconds after which a cell gets no more samples, over all visits. Each gets at least one.</summary>
    public double SecondsEach { get; set; } = 5;

    /// <summary>Whether the report also shows what others have published.</summary>
    public bool Published { get; set; }

    /// <summary>What is measured, in order.</summary>
    public required IReadOnlyList<StudyExperiment> Experiments { get; init; }

    /// <summary>Reads a plan.</summary>
    /// <param name="text">JSON; comments and trailing commas are allowed.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <exception cref="ThomasException">It is no plan; the message says where.</exception>
    public static StudyPlan Parse(string text, string name)
    {
        StudyPlan? plan;
        try
        {
            plan = JsonSerializer.Deserialize(text, StudyPlanJson.Default.StudyPlan);
        }
        catch (JsonException e)
        {
            string place = e.Path is { Length: > 1 } path ? $" at {path[2..]}" : "";
            string line = e.LineNumber is long number ? FormattableString.Invariant($", line {number + 1}") : "";
            throw new ThomasException($"'{name}' is not a study{place}{line}: {FirstSentence(e.Message)}", e);
        }

        if (plan is null) throw new ThomasException($"'{name}' is not a study: it is empty.");
        plan.Check(name);
        return plan;
    }

    /// <summary>The plan as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, StudyPlanJson.Default.StudyPlan);

    /// <exception cref="ThomasException">A value is not allowed; the message names it.</exception>
    public void Check(string name)
    {
        Require(Title.Length is > 0 and <= 200, "title", "must have 1 to 200 characters");
        Require(Visits is >= 1 and <= 100, "visits", "must be 1 to 100");
        Require(Rounds is >= 1 and <= 10_000, "rounds", "must be 1 to 10000");
        Require(SecondsEach is > 0 and <= 86_400, "secondsEach", "must be above 0, and at most a day");
        Require(Experiments.Count > 0, "experiments", "has no entry");
        long cells = 0;
        for (int i = 0; i < Experiments.Count; i++) cells += CheckExperiment(i);
        Require(cells <= MostCells, "experiments", FormattableString.Invariant($"ask for {cells} cells; the most is {MostCells}"));

        void Require(bool holds, string member, string problem)
        {
            if (!holds) throw new ThomasException($"'{name}' is not a study that can be run: {member} {problem}.");
        }

        long CheckExperiment(int index)
        {
            StudyExperiment? one = Experiments[index];
            string at = FormattableString.Invariant($"experiments[{index}].");
            if (one is null) throw new ThomasException($"'{name}' is not a study that can be run: {at[..^1]} is null.");
            Require(one.Title.Length is > 0 and <= 200, at + "title", "must have 1 to 200 characters");
            foreach (string measure in one.Measure)
            {
                Require(
                    Array.IndexOf(StudyExperiment.Measures, measure) >= 0, at + "measure",
                    $"has '{measure}'; known are {string.Join(", ", StudyExperiment.Measures)}");
            }

            Require(one.Measure.Count > 0, at + "measure", "has no entry");
            foreach (string policy in one.Policies)
            {
                Require(
                    policy == StudyExperiment.Inference || UpdatePolicy.TryParse(policy, out _), at + "policies",
                    $"has '{policy}'; known are inference and the policies of 'tune --update' and scratch");
            }

            foreach (string device in one.Devices)
            {
                Require(StudyDevice.IsKnown(device), at + "devices", $"has '{device}'; known are serial, cpu, opencl, opencl:N, hybrid, hybrid:N");
            }

            foreach (string type in one.Types)
            {
                Require(
                    Array.IndexOf(StudyExperiment.KnownTypes, type) >= 0, at + "types",
                    $"has '{type}'; known are {string.Join(", ", StudyExperiment.KnownTypes)}");
            }

            foreach (int threads in one.Threads) Require(threads is >= 0 and <= 256, at + "threads", "must be 1 to 256, or 0 for the fast cores");
            foreach (int batch in one.Batches) Require(batch is >= 1 and <= 65_536, at + "batches", "must be 1 to 65536");
            Require(one.Seeds is >= 1 and <= 1000, at + "seeds", "must be 1 to 1000");
            Require(one.Epochs is null or (>= 1 and <= 10_000), at + "epochs", "must be 1 to 10000");
            Require(
                one.Models.Count > 0 || one.Measure is [StudyExperiment.DataMeasure], at + "models", "has no entry");
            bool needsData = Has(one, StudyExperiment.DataMeasure) || Has(one, StudyExperiment.AccuracyMeasure);
            Require(!needsData || one.Data.Count > 0, at + "data", "has no entry");
            return (long)one.Measure.Count * Math.Max(1, one.Models.Count) * one.Policies.Count * one.Devices.Count * one.Threads.Count * one.Batches.Count
                * one.Types.Count * one.Switches.Count;
        }
    }

    private static bool Has(StudyExperiment one, string measure)
    {
        foreach (string other in one.Measure)
        {
            if (other == measure) return true;
        }

        return false;
    }

    private static string FirstSentence(string message)
    {
        int end = message.IndexOf(" Path:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end];
    }
}

/// <summary>Combinations that are measured: each of a list with each of the others.</summary>
internal sealed record StudyExperiment
{
    /// <summary>A policy that trains nothing.</summary>
    public const string Inference = "inference";

    /// <summary>Compiling, the first step and later ones.</summary>
    public const string TimesMeasure = "times";

    /// <summary>Time by kind of kernel.</summary>
    public const string KernelsMeasure = "kernels";

    /// <summary>Decoding and preparing images.</summary>
    public const string DataMeasure = "data";

    /// <summary>Training and validation.</summary>
    public const string AccuracyMeasure = "accuracy";

    /// <summary>
    /// How numbers are stored: as float32; activations as 16-bit floats, on OpenCL devices all of them, on the CPU what the backward pass reads; layers before
    /// the first trained one in 8-bit integers; all in 8-bit integers.
    /// </summary>
    public const string Float = "float32", Half = "half", Frozen = "frozen", Int8 = "int8";

    /// <summary>What <see cref="Measure"/> may hold.</summary>
    public static string[] Measures { get; } = [TimesMeasure, KernelsMeasure, DataMeasure, AccuracyMeasure];

    /// <summary>What <see cref="Types"/> may hold.</summary>
    public static string[] KnownTypes { get; } = [Float, Half, Frozen, Int8];

    /// <summary>A title for the tables.</summary>
    public required string Title { get; init; }

    /// <summary>What is measured.</summary>
    public required IReadOnlyList<string> Measure { get; init; }

    /// <summary>
    /// Model files, architectures with random weights such as <c>lenet5</c> or <c>lenet5:32x32x3</c>, <c>digits</c> for a LeNet-5 that learns drawn digits
    /// first, or names that are given when the study is run.
    /// </summary>
    public IReadOnlyList<string> Models { get; set; } = [];

    /// <summary>Data sets as <c>tune</c> takes them, <c>drawn-digits</c>, <c>drawn-letters</c>, or names that are given when the study is run.</summary>
    public IReadOnlyList<string> Data { get; set; } = [];

    /// <summary>Update policies, or <see cref="Inference"/>.</summary>
    public IReadOnlyList<string> Policies { get; set; } = [Inference, "all"];

    /// <summary>Devices.</summary>
    public IReadOnlyList<string> Devices { get; set; } = ["cpu"];

    /// <summary>Threads of the cpu device; 0 for the fast cores.</summary>
    public IReadOnlyList<int> Threads { get; set; } = [0];

    /// <summary>Images of a step or an inference.</summary>
    public IReadOnlyList<int> Batches { get; set; } = [8];

    /// <summary>How numbers are stored.</summary>
    public IReadOnlyList<string> Types { get; set; } = [Float];

    /// <summary>Words for an OpenCL device, or <c>without=PASS</c> for the CPU; "" for none.</summary>
    public IReadOnlyList<string> Switches { get; set; } = [""];

    /// <summary>Training runs with different seeds.</summary>
    public int Seeds { get; set; } = 1;

    /// <summary>Epochs of training; null for those by default.</summary>
    public int? Epochs { get; set; }

    /// <summary>Models that were trained elsewhere, evaluated on the same images.</summary>
    public IReadOnlyList<string> Compare { get; set; } = [];
}

[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true)]
[JsonSerializable(typeof(StudyPlan))]
internal sealed partial class StudyPlanJson : JsonSerializerContext;
