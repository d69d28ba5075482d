using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using Thomas.Data;
using Thomas.Kernels;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Benchmarks;

/// <summary>Live teaching: camera frames added one by one, trained, classified; then the memory of a session that holds many images.</summary>
internal static class SessionBenchmark
{
    private const int FrameWidth = 640, FrameHeight = 480, Trainings = 11;

    public static int Run(ReadOnlySpan<string> args)
    {
        int images = 200, classes = 5, threads = 1, rows = 10_000;
        for (int i = 1; i + 1 < args.Length; i += 2)
        {
            int value = int.Parse(args[i + 1], CultureInfo.InvariantCulture);
            if (args[i] == "--images") images = value;
            else if (args[i] == "--classes") classes = value;
            else if (args[i] == "--threads") threads = value;
            else if (args[i] == "--rows") rows = value;
            else throw new ArgumentException($"unknown option {args[i]}");
        }

        Model model = Networks.Load(args[0]);
        TuningSessionOptions options = new() { Compile = new CompileOptions { Threads = threads } };
        Console.WriteLine($"{CpuFeatures.Description}; {model.Info.Name}, {threads} thread(s), frames of {FrameWidth}x{FrameHeight} in RGB");

        // In this order: the peak of the process counts from its start.
        string parent = Directory.CreateTempSubdirectory("thomas-session-").FullName;
        try
        {
            if (rows > 0) Memory(Path.Combine(parent, "many"), model, options, rows, classes);
            Teach(Path.Combine(parent, "live"), model, options, images, classes);
        }
        finally
        {
            Directory.Delete(parent, recursive: true);
        }

        return 0;
    }

    private static void Teach(string folder, Model model, TuningSessionOptions options, int images, int classes)
    {
        long start = Stopwatch.GetTimestamp();
        TuningSession session = TuningSession.Open(folder, model, options: options);
        Console.WriteLine(Line($"open a new session: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms"));
        Random random = new(1);
        List<double> add = [], train = [], classify = [];
        for (int i = 0; i < images; i++)
        {
            RgbImage frame = Frame(random, i % classes);
            add.Add(Milliseconds(() => session.Add($"class {i % classes}", frame)));
        }

        for (int i = 0; i < Trainings; i++) train.Add(Milliseconds(() => session.TrainAsync().GetAwaiter().GetResult()));
        for (int i = 0; i < images; i++)
        {
            RgbImage frame = Frame(random, i % classes);
            classify.Add(Milliseconds(() => session.Classify(frame)));
        }

        Print($"add one of {images} images, on the disk", add);
        Print($"train {images} images of {classes} classes, checked on a part", train);
        Print("classify one", classify);
        Print("undo and redo", [.. Repeat(20, () => session.Undo(), () => session.Redo())]);
        TuningSessionReport report = session.LastTraining!;
        Console.WriteLine(Line($"right: {report.After!.Accuracy:P0} of {report.After.Total} set aside, {report.Before!.Accuracy:P0} by the nearest centroid"));
        session.Dispose();
        start = Stopwatch.GetTimestamp();
        TuningSession.Open(folder, model, options: options).Dispose();
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"open it again: {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F0} ms; "
                + $"{new FileInfo(Path.Combine(folder, "images.log")).Length / 1048576.0:F1} MiB on the disk"));
    }

    /// <summary>Rows as a backbone makes them, written straight into the log: what they depend on is their number.</summary>
    private static void Memory(string folder, Model model, TuningSessionOptions options, int rows, int classes)
    {
        int features;
        using (TuningSession first = TuningSession.Open(folder, model, options: options)) features = first.Features;
        SessionLog.Create(Path.Combine(folder, "images.log"), features, Records(rows, classes, features));
        ProcessMemory.Trim();
        long before = ProcessMemory.ResidentBytes;
        long start = Stopwatch.GetTimestamp();
        using TuningSession session = TuningSession.Open(folder, model, options: options);
        double open = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        long opened = ProcessMemory.ResidentBytes;
        double train = Milliseconds(() => session.Train());
        string peak = ProcessMemory.PeakBytes is long most ? Line($"{(most - before) / 1048576.0:F0} MiB at the peak") : "peak not known";
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{rows} images of {features} features, {classes} classes: opened in {open:F0} ms, trained in {train:F0} ms; the process grew by "
                + $"{(opened - before) / 1048576.0:F0} MiB when it was opened, {peak}"));
    }

    private static IEnumerable<byte[]> Records(int rows, int classes, int features)
    {
        Random random = new(1);
        for (int i = 0; i < rows; i++)
        {
            float[] row = new float[features];
            for (int k = 0; k < features; k++) row[k] = random.NextSingle() + (k % classes == i % classes ? 0.2f : 0);
            SessionImage image = new(i + 1, new SessionClass(i % classes, ""), DateTimeOffset.UnixEpoch, row);
            yield return SessionRecord.Image(SessionRecordKind.Image, image, i % classes, $"class {i % classes}");
        }
    }

    /// <summary>Noise around a color and a slope for each class.</summary>
    private static RgbImage Frame(Random random, int index)
    {
        byte[] pixels = new byte[FrameWidth * FrameHeight * 3];
        random.NextBytes(pixels);
        for (int i = 0; i < pixels.Length; i++)
        {
            int x = i / 3 % FrameWidth, y = i / 3 / FrameWidth;
            pixels[i] = (byte)((pixels[i] / 4) + (((x * (index + 1)) + (y * (index % 3)) + (i % 3 * 40 * index)) / 4 % 192));
        }

        return new RgbImage(FrameWidth, FrameHeight, pixels);
    }

    private static IEnumerable<double> Repeat(int times, params Action[] actions)
    {
        for (int i = 0; i < times; i++) yield return Milliseconds(actions[i % actions.Length]);
    }

    private static double Milliseconds(Action action)
    {
        long start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    private static void Print(string what, List<double> ms)
    {
        double first = ms[0];
        ms.Sort();
        Console.WriteLine(Line($"{what}: median {ms[ms.Count / 2]:F1} ms, least {ms[0]:F1}, most {ms[^1]:F1}, the first {first:F1}"));
    }

    private static string Line(FormattableString text) => FormattableString.Invariant(text);
}
