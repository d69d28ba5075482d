using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Thomas.App.Reports;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Cli;

public sealed class HelpTests
{
    [Fact]
    public void Without_arguments_it_shows_the_help_and_complains_by_exit_code()
    {
        CliRun run = CliRun.Of();
        Assert.Equal(2, run.Code);
        Assert.Contains("classify <model> <image>", run.Out, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Theory]
    [InlineData("inspect", "model.tflite", "--jsn")]
    [InlineData("inspect", "--jsn")]
    [InlineData("classify", "model.tflite", "image.jpg", "--tops", "3")]
    [InlineData("classify", "model.tflite", "-x")]
    [InlineData("tune", "--nope", "--data", "images")]
    public void A_misspelt_option_is_not_taken_for_a_file(params string[] args)
    {
        CliRun run = CliRun.Of(args);
        Assert.Equal(2, run.Code);
        Assert.Matches($"(has no option '|Unrecognized.*'){Regex.Escape(Array.Find(args, a => a.StartsWith('-'))!)}'", run.Error);
        Assert.Empty(run.Out);
    }

    [Fact]
    public void Behind_two_dashes_everything_is_a_file() =>
        Assert.Contains("there is no such file", CliRun.Of("inspect", "--", "--jsn").Error, StringComparison.Ordinal);

    [Fact]
    public void The_help_lists_commands_and_exit_codes()
    {
        CliRun run = CliRun.Of("--help");
        Assert.Equal(0, run.Code);
        foreach (string text in (string[])[
            "inspect", "classify", "evaluate", "plan", "tune", "convert", "devices", "bench", "pull", "demo", "studio", "Exit codes:", "130  cancelled"])
            Assert.Contains(text, run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("inspect", "--graph")]
    [InlineData("classify", "--top")]
    [InlineData("evaluate", "--data")]
    [InlineData("plan", "--memory")]
    [InlineData("tune", "--label-smoothing")]
    [InlineData("convert", "--output")]
    [InlineData("devices", "--json")]
    [InlineData("pull", "--sha256")]
    [InlineData("demo", "--out")]
    [InlineData("bench", "--preset")]
    [InlineData("studio", "--ready-file")]
    public void Every_command_explains_its_options(string command, string option)
    {
        CliRun run = CliRun.Of(command, "--help");
        Assert.Equal(0, run.Code);
        Assert.Contains(option, run.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Exit codes:", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("classify")]
    [InlineData("demo")]
    [InlineData("evaluate")]
    [InlineData("plan")]
    [InlineData("train")]
    [InlineData("tune")]
    public void What_takes_a_device_takes_a_folder_for_its_programs(string command)
    {
        string help = CliRun.Of(command, "--help").Out;
        foreach (string option in new[] { "--device", "--cache-dir", "--no-cache" }) Assert.Contains(option, help, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_names_tier_and_runtime()
    {
        CliRun run = CliRun.Of("--version");
        Assert.Equal(0, run.Code);
        Assert.StartsWith("thomas 0.", run.Out, StringComparison.Ordinal);
        Assert.Contains($"({Machine.Tier}, .NET {Environment.Version}, JIT)", run.Out, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("paint", "paint")]
    [InlineData("inspect", "Required argument")]
    [InlineData("classify m.onnx", "Required argument")]
    [InlineData("evaluate m.onnx", "'--data' is required")]
    [InlineData("convert m.onnx", "'--output' is required")]
    [InlineData("tune m.onnx --data d --epochs many", "--epochs is 'many'; it must be a whole number from 1 to 100000.")]
    [InlineData("tune m.onnx --data d --epochs 0", "--epochs is '0'")]
    [InlineData("tune m.onnx --data d --lr -1", "--lr is '-1'")]
    [InlineData("tune m.onnx --data d --lr nan", "--lr is 'nan'")]
    [InlineData("tune m.onnx --data d --momentum 1", "it must be a number from 0 to below 1.")]
    [InlineData("tune m.onnx --data d --optimizer lion", "it must be one of sgd, adam, adamw.")]
    [InlineData("tune m.onnx --data d --validation 1", "--validation is '1'")]
    [InlineData("tune m.onnx --data d --seed -3", "--seed is '-3'")]
    [InlineData("classify m.onnx p.png --device gpu", "it must be one of auto, cpu, serial, opencl, opencl:N, hybrid, hybrid:N.")]
    [InlineData("classify m.onnx p.png --threads 0", "--threads is '0'")]
    [InlineData("demo --seed -1", "--seed is '-1'")]
    [InlineData("demo --threads 0", "--threads is '0'")]
    [InlineData("classify m.onnx p.png --preset torch", "imagenet, tf, unit, raw, caffe-bgr")]
    [InlineData("classify m.onnx p.png --mean 1,2", "--mean is '1,2'")]
    [InlineData("classify m.onnx p.png --std 0", "three positive numbers")]
    public void Wrong_arguments_are_named(string line, string expected)
    {
        CliRun run = CliRun.Of(line.Split(' '));
        Assert.Equal(2, run.Code);
        Assert.Contains("thomas: error: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Contains("--help' for the options.", run.Error, StringComparison.Ordinal);
        Assert.Empty(run.Out);
    }

    [Fact]
    public void Shells_can_ask_for_completions()
    {
        CliRun run = CliRun.Of("[suggest:14]", "tune --optimiz");
        Assert.Equal(0, run.Code);
        Assert.Contains("--optimizer", run.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Devices_are_listed_for_people_and_machines()
    {
        CliRun people = CliRun.Of("devices");
        Assert.Equal(0, people.Code);
        Assert.Contains($"tier {Machine.Tier}", people.Out, StringComparison.Ordinal);
        Assert.Contains("opencl", people.Out, StringComparison.Ordinal);
        CliRun machines = CliRun.Of("devices", "--json");
        Assert.Equal(Machine.VectorBits, machines.Json().GetProperty("vectorBits").GetInt32());
        Assert.Equal(Environment.ProcessorCount, machines.Json().GetProperty("processors").GetInt32());
    }

    [Fact]
    public void The_documentation_names_every_option_and_exit_code()
    {
        string text = Documentation();
        List<string> missing = [];
        foreach (string command in Commands())
        {
            if (!text.Contains($"### `thomas {command}", StringComparison.Ordinal)) missing.Add(command);
            foreach (Match option in Regex.Matches(CliRun.Of(command, "--help").Out, "--[a-z][a-z0-9-]*"))
            {
                if (!Regex.IsMatch(text, $"`({option.Value}|[^`]* {option.Value}|[^`]*\\[{option.Value})[ `\\]]")) missing.Add($"{command} {option.Value}");
            }
        }

        Assert.Empty(missing);
        foreach (Match code in Regex.Matches(CliRun.Of("--help").Out, "^  ([0-9]+) ", RegexOptions.Multiline))
            Assert.Contains($"| {code.Groups[1].Value} | ", text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_documentation_names_every_member_of_the_reports()
    {
        string text = Documentation();
        int begin = text.IndexOf("## JSON", StringComparison.Ordinal), end = text.IndexOf("## Exit codes", StringComparison.Ordinal);
        Assert.True(begin >= 0 && end > begin, "docs/command-line.md has no part 'JSON' before 'Exit codes'");
        List<string> missing = [];
        foreach (Type type in typeof(ReportJson).Assembly.GetTypes())
        {
            if (type.Namespace != typeof(ReportJson).Namespace || !type.IsSealed || type.IsAbstract || type.GetMethod("<Clone>$") is null) continue;
            foreach (PropertyInfo property in type.GetProperties())
            {
                string member = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
                if (!text[begin..end].Contains($"`{member}`", StringComparison.Ordinal)) missing.Add($"{type.Name}.{member}");
            }
        }

        Assert.Empty(missing);
    }

    /// <summary>The commands that the help lists.</summary>
    private static IEnumerable<string> Commands()
    {
        string help = CliRun.Of("--help").Out;
        int begin = help.IndexOf("Commands:", StringComparison.Ordinal), end = help.IndexOf("Exit codes:", StringComparison.Ordinal);
        foreach (Match command in Regex.Matches(help[begin..end], "^  ([a-z]+) ", RegexOptions.Multiline)) yield return command.Groups[1].Value;
    }

    private static string Documentation()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            string path = Path.Combine(at.FullName, "docs", "command-line.md");
            if (File.Exists(path)) return File.ReadAllText(path);
        }

        Assert.Skip("the documentation is not beside the test program");
        return "";
    }
}
