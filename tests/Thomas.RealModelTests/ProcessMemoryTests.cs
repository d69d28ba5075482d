using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.IO.Compression;
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

    [Theory]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", "all", "smallest")]
    [InlineData("onnx/mobilenet_v2_1.0_224.onnx", "bias", "smallest")]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", "all", "smallest")]
    [InlineData("tflite/mobilenet_v1_0.25_224_1_metadata_1.tflite", "last", "smallest")]
    public void A_run_adds_no_more_than_its_bound(string model, string policy, string bound)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the peak is read from /proc");
        string path = Assets.PathOf(["models", .. model.Split('/')]);
        string[] arguments =
        [
            "tune", path, "--data", Pictures(perClass: 9), "--update", policy, "--epochs", "1", "--batch", "16", "--preset", "imagenet", "--no-cache", "--json", "--threads", "2",
            "-o", Path.Combine(_folder.FullName, "out.onnx"),
        ];
        if (bound == "smallest")
        {
            (int refused, _, string error, _) = Run([.. arguments, "--memory", "1MiB"]);
            Assert.Equal(3, refused);
            bound = SmallestBound().Match(error).Groups[1].Value;
        }

        (int code, string output, string errors, long peak) = Run([.. arguments, "--memory", bound]);
        Assert.True(code == 0, errors);
        Assert.True(ByteSize.TryParse(bound, out long bytes));
        long start = JsonDocument.Parse(output).RootElement.GetProperty("process").GetProperty("startBytes").GetInt64();
        Assert.InRange(peak, start, start + (bytes * 11 / 10));
    }

    [Fact]
    public void Pictures_that_the_data_set_holds_count()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the peak is read from /proc");
        string data = Directory.CreateDirectory(Path.Combine(_folder.FullName, "digits")).FullName;
        foreach (string part in (string[])["images-idx3-ubyte", "labels-idx1-ubyte"])
        {
            using FileStream packed = File.OpenRead(Assets.PathOf("datasets", "mnist", $"t10k-{part}.gz"));
            using GZipStream plain = new(packed, CompressionMode.Decompress);
            using MemoryStream all = new();
            plain.CopyTo(all);
            byte[] bytes = all.ToArray();
            int header = part.StartsWith("images", StringComparison.Ordinal) ? 16 : 8, count = 10_000;

            // The pictures four times over: 30 MiB.
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), 4 * count);
            using FileStream file = File.Create(Path.Combine(data, $"train-{part}"));
            file.Write(bytes.AsSpan(0, header));
            for (int i = 0; i < 4; i++) file.Write(bytes.AsSpan(header));
        }

        string[] arguments = ["train", "lenet5", "--data", data, "--epochs", "1", "--batch", "256", "--no-cache", "--json", "--threads", "2", "-o", Path.Combine(_folder.FullName, "out.onnx")];
        (int refused, _, string error, _) = Run([.. arguments, "--memory", "64MiB"]);
        Assert.True(refused == 3, error);
        string bound = SmallestBound().Match(error).Groups[1].Value;
        (int code, string output, string errors, long peak) = Run([.. arguments, "--memory", bound]);
        Assert.True(code == 0, errors);
        Assert.True(ByteSize.TryParse(bound, out long bytesOfBound));
        long start = JsonDocument.Parse(output).RootElement.GetProperty("process").GetProperty("startBytes").GetInt64();
        Assert.InRange(start, 0, 64 * MiB);
        Assert.InRange(peak, start, start + (bytesOfBound * 11 / 10));
    }

    [Fact]
    public void Large_pictures_take_less_than_64_MiB()
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

    /// <summary>A few pictures of each of the five flowers.</summary>
    private string Pictures(int perClass)
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
                if (line.StartsWith("VmHWM:", StringComparison.Ordinal)) return long.Parse(line.AsSpan(6).Trim().TrimEnd(" kB"), CultureInfo.InvariantCulture) << 10;
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
