using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.IO.Hashing;
using System.Reflection;
using System.Text;
using System.Threading;
using Thomas.Autodiff;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Finds the fastest device for a model and what is done with it: the CPU and each OpenCL device that is fit run it a few times, about two seconds in all
/// beside compiling; for training also the CPU and the fastest GPU together, where neither would be idle for most of the step. A device that fails is passed
/// over. With a <see cref="CompileOptions.DeviceCache"/> the times are remembered there, for the same structure of the model, batch, policy, devices with their
/// drivers, threads and version of Thomas; they are not where a device failed.
/// </summary>
/// <example>
/// <code>
/// DeviceChoice choice = DeviceChooser.ForInference(model, options: new CompileOptions { DeviceCache = folder });
/// Console.WriteLine(choice.ToText());
/// using ImageClassifier classifier = new(model, options: choice.Compile);
/// </code>
/// </example>
public static class DeviceChooser
{
    /// <summary>A smaller share of a step is not worth the exchange of gradients and weights.</summary>
    private const double LeastShare = 0.1;

    /// <summary>Chooses for inference.</summary>
    /// <param name="model">An image classifier.</param>
    /// <param name="batch">Images of a run.</param>
    /// <param name="options">Threads, settings and cache; their device is not used.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    /// <exception cref="ThomasException">No device can run the model.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static DeviceChoice ForInference(Model model, int batch = 1, CompileOptions? options = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        options ??= new CompileOptions();
        return ForInference(ClassOutput.Of(model).Alone().Graph, batch, options, DeviceCandidate.All(options), null, cancellation);
    }

    /// <summary>
    /// Chooses for <see cref="Tuner.Tune"/>: by the step of training that will run, or, for the last layer alone, by the layers before it, whose features take
    /// most of the time.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="classes">Classes of the images.</param>
    /// <param name="images">Training images; 0 where they are not known yet.</param>
    /// <param name="options">The options of the run; their device is not used.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    /// <exception cref="ThomasException">No device can train the model so.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static DeviceChoice ForTuning(Model model, int classes, int images, TuningOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(classes, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(images);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return options.Network is TrainerOptions network
            ? ForTraining(
                TrainingPlanner.WithClasses(model, classes), images, network with { Compile = options.Compile, MemoryBytes = options.MemoryBytes },
                cancellation)
            : ForInference(
                HeadSplit.Find(model).FeatureGraph(), FeatureExtractor.DefaultBatch, options.Compile, DeviceCandidate.All(options.Compile), null, cancellation);
    }

    /// <summary>Chooses for <see cref="Trainer.Train"/>.</summary>
    /// <param name="model">The model as it will be trained, with its last layer.</param>
    /// <param name="images">Training images; 0 where they are not known yet.</param>
    /// <param name="options">The options of the run; their device is not used.</param>
    /// <param name="cancellation">Ends it between two runs.</param>
    /// <exception cref="ThomasException">No device can train the model so.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancellation"/> asked for it.</exception>
    public static DeviceChoice ForTraining(Model model, int images, TrainerOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfNegative(images);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        return ForTraining(model, options.ToPlan(images), DeviceCandidate.All(options.Compile), null, cancellation);
    }

    /// <summary>Chooses for inference between given devices.</summary>
    internal static DeviceChoice ForInference(
        Graph graph, int batch, CompileOptions options, IReadOnlyList<DeviceCandidate> candidates, TimeProvider? time, CancellationToken cancellation) =>
        Choose(
            $"inference of {Images(batch)}", $"inference {batch}", graph, options, candidates, compile => new InferenceTrial(graph, batch, compile), time,
            cancellation);

    /// <summary>Chooses for training between given devices.</summary>
    internal static DeviceChoice ForTraining(
        Model model, TrainingPlanOptions options, IReadOnlyList<DeviceCandidate> candidates, TimeProvider? time, CancellationToken cancellation)
    {
        OptimizerOptions optimizer = options.Optimizer;
        string key = string.Create(
            CultureInfo.InvariantCulture,
            $"training {options.Policy} {options.Batch} {options.MicroBatch} {options.BatchNorm} {options.MemoryBytes} {options.Compression} "
            + $"{options.Dropout > 0} "
            + $"{optimizer.Kind} {optimizer.ClipNorm is null} {optimizer.AverageDecay is null}");
        return Choose(
            $"a training step of {Images(options.Batch)}", key, model.Graph, options.Compile, candidates,
            compile => new TrainingTrial(model, options with { Compile = compile }), time, cancellation, times => Pair(model, options, candidates, times));
    }

    /// <summary>The CPU and the fastest device that works beside it, where a step can be split and neither would be idle for most of it.</summary>
    private static DeviceCandidate? Pair(
        Model model, TrainingPlanOptions options, IReadOnlyList<DeviceCandidate> candidates, IReadOnlyList<DeviceTime> times)
    {
        int rows = options.MicroBatch ?? options.Batch, best = 0;
        if (rows < 2 || options.MemoryBytes is not null || options.Policy.Kind == UpdateKind.Sparse) return null;
        if (times[0].Milliseconds is not double host || candidates[0].Options is not { Device: DeviceKind.Cpu, OtherDevice: null }) return null;
        for (int i = 1; i < candidates.Count; i++)
        {
            if (candidates[i].CanPair && times[i].Milliseconds is double ms && (best == 0 || ms < times[best].Milliseconds)) best = i;
        }

        if (best == 0) return null;
        double share = HybridSplit.ShareOf(host, times[best].Milliseconds!.Value);
        if (share is < LeastShare or > 1 - LeastShare) return null;
        if (Trainee.Create(model, options.Policy, options.BatchNorm, options.Compression).Statistics.Count > 0) return null;
        int first = HybridSplit.DeviceRows(rows, share);
        CompileOptions compile = candidates[best].Options;
        return new DeviceCandidate(
            compile.DeviceNumber is int number ? string.Create(CultureInfo.InvariantCulture, $"hybrid:{number}") : "hybrid",
            string.Create(CultureInfo.InvariantCulture, $"{first} of {rows} images on {candidates[best].Name}, the others on cpu"), "",
            compile with { Device = DeviceKind.Hybrid, DeviceShare = share });
    }

    private static DeviceChoice Choose(
        string work, string workKey, Graph graph, CompileOptions options, IReadOnlyList<DeviceCandidate> candidates, Func<CompileOptions, IDeviceTrial> create,
        TimeProvider? time, CancellationToken cancellation, Func<IReadOnlyList<DeviceTime>, DeviceCandidate?>? last = null)
    {
        DeviceRecord? record = options.DeviceCache is null ? null : new DeviceRecord(Path.Combine(options.DeviceCache, "choices"));
        string key = KeyOf(workKey, graph, candidates);
        if (record?.Find(key, candidates) is (IReadOnlyList<DeviceTime> known, int first) && (first < candidates.Count || last?.Invoke(known) is not null))
        {
            return Result(known, first, isRemembered: true);
        }

        (IReadOnlyList<DeviceTime> times, int fastest) = DeviceRace.Run(candidates, create, time, cancellation, last);
        bool failed = false;
        foreach (DeviceTime one in times) failed |= one.Problem is not null;
        if (!failed) record?.Keep(key, times, fastest);

        // What the trials held must not stand beside the run.
        ProcessMemory.Trim();
        return Result(times, fastest, isRemembered: false);

        DeviceChoice Result(IReadOnlyList<DeviceTime> times, int fastest, bool isRemembered) => new()
        {
            Compile = (fastest < candidates.Count ? candidates[fastest] : last!(times)!).Options,
            Name = times[fastest].Name,
            Work = work,
            Times = times,
            IsRemembered = isRemembered,
        };
    }

    /// <summary>All that the times depend on. The weights' numbers are not: they change no time.</summary>
    private static string KeyOf(string work, Graph graph, IReadOnlyList<DeviceCandidate> candidates)
    {
        string version = typeof(DeviceChooser).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";
        List<string> lines = [$"Thomas {version}", work, $"graph {XxHash128.HashToUInt128(Encoding.UTF8.GetBytes(GraphDump.ToText(graph))):x32}"];
        foreach (DeviceCandidate candidate in candidates) lines.Add(candidate.Identity);
        return string.Join('\n', lines);
    }

    private static string Images(int batch) => batch == 1 ? "one image" : string.Create(CultureInfo.InvariantCulture, $"{batch} images");
}
