using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Threading;
using SkiaSharp;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The memory of whole processes, as the system counts it, against what was planned.</summary>
public sealed partial class ProcessMemoryTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("thomas-memory-");

    public void Dispose() => _folder.Delete(recursive: true);

    // V1 is bound by its images, V2 by its step, which must be cut and computed again.
    [Theory]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", "all", 3)]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", "last", 9)]
    [InlineData("onnx/mobilenet_v1_0.25_224_bn.onnx", "norm", 3)]
    public void A_run_adds_no_more_than_the_smallest_bound_that_is_named(string model, string policy, int perClass)
    {
        string path = Assets.PathOf(["models", .. model.Split('/')]);
        AssertKeepsItsSmallestBound(["tune", path, "--data", Flowers(perClass), "--update", policy, "--batch", "8", "--preset", "imagenet"]);
    }

    [Fact]
    public void Images_that_the_data_set_holds_count()
    {
        Assert.SkipWhen(Assets.Root is null, Assets.SkipReason);

        // 30 MiB of gray images, few enough to be learned in a second.
        const int Count = 1920, Side = 128;
        string data = Directory.CreateDirectory(Path.Combine(_folder.FullName, "digits")).FullName;
        byte[] images = new byte[16 + (Count * Side * Side)], labels = new byte[8 + Count];
        foreach ((int at, int number) in new[] { (0, 0x803), (4, Count), (8, Side), (12, Side) }) BinaryPrimitives.WriteInt32BigEndian(
            images.AsSpan(at), number);
        foreach ((int at, int number) in new[] { (0, 0x801), (4, Count) }) BinaryPrimitives.WriteInt32BigEndian(labels.AsSpan(at), number);
        for (int i = 0; i < Count; i++)
        {
            labels[8 + i] = (byte)(i % 10);
            images.AsSpan(16 + (i * Side * Side), (1 + (i % 10)) * 12 * Side).Fill(200);
        }

        File.WriteAllBytes(Path.Combine(data, "train-images-idx3-ubyte"), images);
        File.WriteAllBytes(Path.Combine(data, "train-labels-idx1-ubyte"), labels);
        long start = AssertKeepsItsSmallestBound(["train", "lenet5", "--data", data, "--batch", "256"]);
        Assert.InRange(start, 0, 64 * MiB);
    }

    [Fact]
    public void Many_photographs_keep_to_the_smallest_bound()
    {
        // Files of 3 MiB, which are garbage once they have been read: over 2 GiB of them. Most of each is no image, so that decoding takes no time.
        string model = Assets.PathOf("models", "tflite", "cifar10_resnet8_float.tflite"), data = Path.Combine(_folder.FullName, "photographs"),
            first = Path.Combine(_folder.FullName, "first.jpg");
        Draw(first, 64, 48, SKEncodedImageFormat.Jpeg);
        using (FileStream file = new(first, FileMode.Append)) file.Write(new byte[3 * MiB]);
        foreach (string name in (string[])["one", "two"])
        {
            string folder = Directory.CreateDirectory(Path.Combine(data, name)).FullName;
            for (int i = 0; i < 200; i++) File.CreateSymbolicLink(Path.Combine(folder, $"{i}.jpg"), first);
        }

        AssertKeepsItsSmallestBound(["tune", model, "--data", data]);
    }

    [Fact]
    public void Large_images_take_less_than_64_MiB()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the peak is read from /proc");
        string model = Assets.PathOf("models", "tflite", "cifar10_resnet8_float.tflite");
        string small = Path.Combine(_folder.FullName, "small.png"), large = Path.Combine(_folder.FullName, "large.jpg");
        Draw(small, 32, 32, SKEncodedImageFormat.Png);
        Draw(large, 4000, 3000, SKEncodedImageFormat.Jpeg);
        (_, _, _, long start) = Run(["classify", model, small]);
        string bomb = Path.Combine(Assets.Root!, "..", "cases", "hostile", "bomb_16000x16000_1bit.png");
        (int code, _, string error, long peak) = Run(["classify", model, large, large, File.Exists(bomb) ? bomb : large]);
        Assert.True(code == 0, error);
        Assert.InRange(peak - start, -64 * MiB, 64 * MiB);
    }

    /// <summary>Runs with the smallest bound that a refusal names.</summary>
    /// <returns>Bytes of the process with the model loaded.</returns>
    private long AssertKeepsItsSmallestBound(string[] arguments)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the peak is read from /proc");
        arguments = [.. arguments, "--epochs", "1", "--no-cache", "--json", "--threads", "2", "-o", Path.Combine(_folder.FullName, "out.onnx")];
        (int refused, _, string error, _) = Run([.. arguments, "--memory", "1MiB"]);
        Assert.True(refused == 3, error);
        string bound = SmallestBound().Match(error).Groups[1].Value;
        (int code, string output, string errors, long peak) = Run([.. arguments, "--memory", bound]);
        Assert.True(code == 0, errors);
        Assert.True(ByteSize.TryParse(bound, out long bytes));
        long start = JsonDocument.Parse(output).RootElement.GetProperty("process").GetProperty("startBytes").GetInt64();
        Assert.InRange(peak, start, start + (bytes * 11 / 10));
        return start;
    }

    /// <summary>A few images of each of the five flowers.</summary>
    private string Flowers(int perClass)
    {
        string source = Path.Combine(Assets.PathOf("datasets", "flowers5"), "train"), target = Path.Combine(_folder.FullName, "flowers");
        foreach (string group in Directory.GetDirectories(source))
        {
            string[] files = Directory.GetFiles(group);
            Array.Sort(files, StringComparer.Ordinal);
            string folder = Directory.CreateDirectory(Path.Combine(target, Path.GetFileName(group))).FullName;
            foreach (string file in files.AsSpan(0, Math.Min(perClass, files.Length))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        return target;
    }

    private static void Draw(string path, int width, int height, SKEncodedImageFormat format)
    {
        using SKBitmap bitmap = new(width, height);
        using (SKCanvas canvas = new(bitmap))
        using (SKPaint paint = new() { Color = SKColors.OrangeRed })
        {
            canvas.Clear(SKColors.Teal);
            canvas.DrawCircle(width / 2f, height / 2f, height / 3f, paint);
        }

        using SKData data = bitmap.Encode(format, 90);
        File.WriteAllBytes(path, data.ToArray());
    }

    /// <summary>Runs the program and looks at its peak until it ends.</summary>
    private static (int Code, string Output, string Error, long PeakBytes) Run(string[] arguments)
    {
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Thomas.Cli.dll"));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        System.Threading.Tasks.Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        long peak = 0;
        while (!process.HasExited)
        {
            peak = Math.Max(peak, PeakOf(process.Id));
            Thread.Sleep(5);
        }

        return (process.ExitCode, output.Result, error.Result, peak);
    }

    private static long PeakOf(int process)
    {
        try
        {
            foreach (string line in File.ReadLines($"/proc/{process}/status"))
            {
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal))
                {
                    return long.Parse(line.AsSpan(6).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) << 10;
                }
            }
        }
        catch (IOException)
        {
            // It has just ended.
        }

        return 0;
    }

    [GeneratedRegex(@"smallest bound that works is ([\d.]+\w+)")]
    private static partial Regex SmallestBound();
}
