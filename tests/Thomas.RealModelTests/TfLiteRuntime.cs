using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Text.Json;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>
/// TensorFlow Lite's own code as WebAssembly in Node: the interpreter (<c>tflite</c>) and LiteRT's compiled models (<c>litert</c>), the independent judges of
/// the <c>.tflite</c> files that we write. The packages are those of tests/tflite; .ci/run installs them.
/// </summary>
internal static class TfLiteRuntime
{
    /// <summary>The node_modules folder of tests/tflite.</summary>
    private const string Variable = "THOMAS_TFLITE_MODULES";

    private const string SkipReason = $"run 'npm ci --legacy-peer-deps' in tests/tflite and set the environment variable {Variable} to its node_modules folder";

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    public static IReadOnlyList<string> Names { get; } = ["tflite", "litert"];

    /// <summary>Runs files that have one input of float32 in one process.</summary>
    /// <param name="jobs">Runtime, file, numbers of one input or of several, which run one after the other.</param>
    /// <returns>For each job the numbers of the first output of every run, or the error.</returns>
    public static IReadOnlyList<(float[]? Output, string? Error)> Run(IReadOnlyList<(string Runtime, byte[] Model, float[] Input)> jobs)
    {
        List<(string, byte[], byte[])> raw = [];
        foreach ((string runtime, byte[] model, float[] input) in jobs) raw.Add((runtime, model, MemoryMarshal.AsBytes(input.AsSpan()).ToArray()));
        List<(float[]?, string?)> outputs = [];
        foreach ((byte[]? output, string types, string? error) in RunBytes(raw))
        {
            if (error is null) Assert.Equal("float32 float32", types);
            outputs.Add((output is null ? null : MemoryMarshal.Cast<byte, float>(output).ToArray(), error));
        }

        return outputs;
    }

    /// <summary>As <see cref="Run"/>, with the numbers as the file's own types hold them.</summary>
    /// <returns>For each job the bytes of the first output of every run, the types of input and output, or the error.</returns>
    public static IReadOnlyList<(byte[]? Output, string Types, string? Error)> RunBytes(IReadOnlyList<(string Runtime, byte[] Model, byte[] Input)> jobs)
    {
        string? modules = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(modules), SkipReason);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("thomas-tflite-");
        try
        {
            return RunBytes(jobs, modules!, folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static List<(byte[]? Output, string Types, string? Error)> RunBytes(
        IReadOnlyList<(string Runtime, byte[] Model, byte[] Input)> jobs, string modules, string folder)
    {
        List<Dictionary<string, string>> list = [];
        for (int i = 0; i < jobs.Count; i++)
        {
            string path = Path.Combine(folder, $"{i}");
            File.WriteAllBytes(path + ".tflite", jobs[i].Model);
            File.WriteAllBytes(path + ".in", jobs[i].Input);
            list.Add(new() { ["runtime"] = jobs[i].Runtime, ["model"] = path + ".tflite", ["input"] = path + ".in", ["output"] = path + ".out" });
        }

        using JsonDocument results = JsonDocument.Parse(Node(modules, JsonSerializer.Serialize(list)));
        List<(byte[]?, string, string?)> outputs = [];
        for (int i = 0; i < jobs.Count; i++)
        {
            JsonElement result = results.RootElement[i];
            outputs.Add(result.TryGetProperty("error", out JsonElement error)
                ? (null, "", error.GetString())
                : (File.ReadAllBytes(Path.Combine(folder, $"{i}.out")),
                    $"{result.GetProperty("inputType").GetString()} {result.GetProperty("type").GetString()}", null));
        }

        return outputs;
    }

    private static string Node(string modules, string jobs)
    {
        ProcessStartInfo start = new("node") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "tflite-run.mjs"));
        start.ArgumentList.Add(modules);
        using Process node = Process.Start(start)!;
        System.Threading.Tasks.Task<string> errors = node.StandardError.ReadToEndAsync(), output = node.StandardOutput.ReadToEndAsync();
        node.StandardInput.Write(jobs);
        node.StandardInput.Close();
        if (!node.WaitForExit(Limit))
        {
            node.Kill(entireProcessTree: true);
            Assert.Fail($"node takes longer than {Limit}");
        }

        Assert.True(node.ExitCode == 0, errors.Result);
        return output.Result;
    }
}
