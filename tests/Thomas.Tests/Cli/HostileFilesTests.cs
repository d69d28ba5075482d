using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using Thomas.App;
using Thomas.Tests.Formats;
using Thomas.Tests.Harness;
using Xunit;

namespace Thomas.Tests.Cli;

/// <summary>Files that wait for ever, lie about what they are, or try to steer the terminal.</summary>
public sealed class HostileFilesTests : IDisposable
{
    private const string Evil = "\u001b]0;pwned\u0007\u001b[31mred\n\u202etxt.exe";
    private const string Shown = "\\x1b]0;pwned\\x07\\x1b[31mred\\n\\u202etxt.exe";

    private readonly CliFixture _files = new();

    public void Dispose() => _files.Dispose();

    /// <summary>Each command with each kind of file in each place where it reads one.</summary>
    [Fact]
    public void Pipes_devices_and_sockets_are_refused_at_once_wherever_they_stand()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "needs mkfifo");
        string model = _files.Model(), data = _files.Data(perClass: 2), image = Path.Combine(data, "red", "00.png"), output = _files["out.onnx"];
        string pipe = InputFileTests.MakePipe(_files["pipe"]), socketPath = _files["sock"];
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(socketPath));
        File.CreateSymbolicLink(_files["link.onnx"], pipe);
        long start = Stopwatch.GetTimestamp();
        foreach ((string bad, string what) in new[] { (pipe, "named pipe"), (_files["link.onnx"], "named pipe"), (socketPath, "a socket"),
            ("/dev/zero", "a device") })
        {
            (string[] Args, int Code)[] runs =
            [
                (["inspect", bad], 3), (["classify", bad, image], 3), (["evaluate", bad, "--data", data], 3), (["plan", bad], 3),
                (["tune", bad, "--data", data, "-o", output], 3), (["convert", bad, "-o", output], 3),
                (["classify", model, bad], 4), (["classify", model, image, "--labels", bad], 4), (["convert", model, "-o", output, "--labels", bad], 4),
                (["evaluate", model, "--data", bad], 4), (["plan", model, "--data", bad], 4), (["tune", model, "--data", bad, "-o", output], 4),
                (["train", "lenet5", "--data", bad, "-o", output], 4), (["train", "lenet5", "--data", data, "-o", output, "--weights", bad], 3),
                (["tune", model, "--data", data, "--update", "all", "-o", output, "--checkpoint", bad, "--resume"], 3),
            ];
            foreach ((string[] args, int code) in runs)
            {
                CliRun run = CliRun.Of(args);
                Expect.True(run.Code == code, $"{string.Join(' ', args)}: {run.Code}\n{run.Error}");
                Assert.Contains(what, run.Error, StringComparison.Ordinal);
            }
        }

        Assert.InRange(Stopwatch.GetElapsedTime(start).TotalSeconds, 0, 60);
        Assert.False(File.Exists(output));
    }

    [Fact]
    public void A_pipe_among_the_images_is_named_and_left_out()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "needs mkfifo");
        string data = _files.Data();
        InputFileTests.MakePipe(Path.Combine(data, "red", "pipe.jpg"));
        CliRun run = CliRun.Of("tune", _files.Model(), "--data", data, "-o", _files["out.onnx"], "--no-cache", "--epochs", "1");
        Assert.Equal(0, run.Code);
        Assert.Contains("pipe.jpg", run.Error, StringComparison.Ordinal);
        Assert.Contains("named pipe", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Outputs_that_are_no_regular_files_are_refused_before_the_work()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "needs mkfifo");
        string model = _files.Model(), data = _files.Data(perClass: 2), pipe = InputFileTests.MakePipe(_files["pipe.onnx"]);
        File.CreateSymbolicLink(_files["null.onnx"], "/dev/null");
        File.CreateSymbolicLink(_files["source.onnx"], model);
        File.WriteAllText(_files["locked.onnx"], "mine");
        File.SetUnixFileMode(_files["locked.onnx"], UnixFileMode.UserRead);
        foreach ((string output, string what) in new[] { (pipe, "named pipe"), (_files["null.onnx"], "a device"), (_files["locked.onnx"], "read-only"),
            (_files["source.onnx"], "is the input model") })
        {
            foreach (string[] args in new[] { new[] { "convert", model, "-o", output }, ["tune", model, "--data", data, "-o", output], [
                "train", "lenet5", "--data", data, "-o", output] })
            {
                if (args[0] == "train" && what.StartsWith("is", StringComparison.Ordinal)) continue;
                CliRun run = CliRun.Of(args);
                Assert.Equal(5, run.Code);
                Assert.Contains(what, run.Error, StringComparison.Ordinal);
            }
        }

        Assert.Equal("mine", File.ReadAllText(_files["locked.onnx"]));
    }

    [Fact]
    public void A_link_as_output_stays_a_link()
    {
        File.CreateSymbolicLink(_files["link.onnx"], "real.onnx");
        Assert.Equal(0, CliRun.Of("convert", _files.Model(), "-o", _files["link.onnx"]).Code);
        Assert.Equal("real.onnx", new FileInfo(_files["link.onnx"]).LinkTarget);
        Assert.Equal(0, CliRun.Of("inspect", _files["real.onnx"]).Code);
    }

    [Fact]
    public void Names_from_files_cannot_steer_the_terminal()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "such names are not allowed there");
        string model = _files.Model($"{Evil}.onnx", labels: [Evil, "[red]b[/]", "c", "d"]), data = _files.Data(perClass: 4),
            image = Path.Combine(data, "red", "00.png");
        Directory.Move(Path.Combine(data, "red"), Path.Combine(data, Evil));
        image = Path.Combine(data, Evil, "00.png");
        File.WriteAllText(Path.Combine(data, Evil, $"{Evil}.jpg"), "no image");
        List<CliRun> runs =
        [
            CliRun.Of("inspect", model, "--graph"), CliRun.Of("classify", model, image, "-v"),
            CliRun.Of("plan", model, "--data", data, "--update", "all", "-v"),
            CliRun.Of("tune", model, "--data", data, "-o", _files[$"{Evil}2.onnx"], "--no-cache", "--epochs", "1", "-v"),
            CliRun.Of("evaluate", _files[$"{Evil}2.onnx"], "--data", data, "--no-cache", "-v"), CliRun.Of("convert", model, "-o", _files[$"{Evil}3.tflite"]),
            CliRun.Of("classify", model, Path.Combine(data, Evil, $"{Evil}.jpg")), CliRun.Of("inspect", $"{Evil}.none", "--trace"),
            CliRun.Of("train", Evil, "--data", data),
            CliRun.Of("inspect", "--" + Evil), CliRun.Of(Evil), CliRun.Of("classify", model, image, "--top", Evil), CliRun.Of("tune", model, "--data", Evil),
        ];
        foreach (CliRun run in runs)
        {
            string all = run.Out + run.Error;
            Assert.DoesNotContain(all, c => c is '\u001b' or '\u0007' or '\u202e');
            Assert.Contains(Shown, all, StringComparison.Ordinal);
        }

        Assert.Equal([0, 0, 0, 0, 0, 0, 4, 3, 2, 2, 2, 2, 4], runs.ConvertAll(run => run.Code));
        Assert.Contains("[red]b[/]", runs[0].Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Json_has_the_names_as_they_are()
    {
        string model = _files.Model(labels: [Evil, "b", "c", "d"]);
        CliRun run = CliRun.Of("inspect", model, "--json");
        Assert.Equal(Evil, run.Json().GetProperty("labels")[0].GetString());
        Assert.DoesNotContain(run.Out, c => c is '\u001b' or '\u202e');
        Assert.Equal(JsonValueKind.Object, run.Json().ValueKind);
    }

    [Fact]
    public void Files_that_are_passed_over_are_counted_by_ending()
    {
        string data = _files.Data(perClass: 2);
        foreach (string name in new[] { "a.ppm", "b.ppm", "c.CR2", "d.svg", "e" }) File.WriteAllText(Path.Combine(data, "red", name), "");
        const string Note =
            "note: 5 files were skipped by extension: 2 .ppm, 1 without an extension, 1 .CR2, 1 .svg; JPEG, PNG, WebP, GIF, BMP and TIFF images are read";
        Assert.Contains(Note, CliRun.Of("plan", _files.Model(), "--data", data, "--update", "last").Error, StringComparison.Ordinal);
        Assert.Contains(Note, CliRun.Of("classify", _files.Model(), data).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Data_in_an_archive_or_of_another_kind_is_named()
    {
        foreach ((string name, byte[] bytes, string expected) in new[]
        {
            ("photos.zip", (byte[])[.. "PK\x03\x04"u8, .. "cats/1.jpg"u8], "is a zip archive of images; unpack it and give the folder"),
            ("photos.tar.gz", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 0x2C, 0x49, 4, 0, 0xA3, 0x61, 0x5B, 0xE5, 3, 0, 0, 0],
                "is a gzip archive; unpack it and give the folder"),
            ("a.jpg", [0xFF, 0xD8, 0xFF, 0xE0], "is a JPEG image; give the folder that holds one folder of images per class"),
            ("page.csv", [.. "<html>"u8], "this is an HTML page"),
        })
        {
            File.WriteAllBytes(_files[name], bytes);
            CliRun run = CliRun.Of("evaluate", _files.Model(), "--data", _files[name]);
            Assert.Equal(4, run.Code);
            Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_result_is_rescued_to_the_first_folder_that_takes_it()
    {
        string output = _files["gone", "model.onnx"];
        OutputException? refused = OutputFile.SaveOrRescue(
            path => AtomicFile.Write(path, file => file.WriteByte(1)), ref output, null, [_files["none"], "", _files["x", ".."]]);
        Assert.NotNull(refused);
        Assert.True(File.Exists(output));
        Assert.StartsWith("model-", Path.GetFileName(output), StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_that_cannot_be_saved_anywhere_is_an_output_error_that_says_so()
    {
        string output = _files["gone", "model.onnx"], checkpoint = _files["run.ckpt"];
        Action<string> full = path => throw new OutputException($"Cannot write '{path}': No space left on device");
        OutputException lost = Assert.Throws<OutputException>(() => OutputFile.SaveOrRescue(full, ref output, checkpoint, ["/a", "/b"]));
        Assert.Contains("The result is lost", lost.Message, StringComparison.Ordinal);
        Assert.Contains("'/b/model-", lost.Message.Replace('\\', '/'), StringComparison.Ordinal);
        File.WriteAllText(checkpoint, "");
        OutputException kept = Assert.Throws<OutputException>(() => OutputFile.SaveOrRescue(full, ref output, checkpoint, []));
        Assert.Contains("--resume", kept.Message, StringComparison.Ordinal);
    }
}
