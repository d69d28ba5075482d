using System.Collections.Generic;
using System.Globalization;
using System.Text;
using Thomas.App;
using Thomas.App.Reports;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>What commands write to the terminal in the same form.</summary>
internal static class TerminalText
{
    /// <summary>Writes a name and its value, names aligned; further lines of the value stand under its first.</summary>
    public static void Field(this Terminal terminal, string name, string value)
    {
        string[] lines = value.Split('\n');
        terminal.Say($"{name,-14} {lines[0]}");
        for (int i = 1; i < lines.Length; i++) terminal.Say($"{"",-14} {lines[i]}");
    }

    /// <summary>Writes text of several lines, indented.</summary>
    public static void Block(this Terminal terminal, string text, string indent = "  ")
    {
        foreach (string line in text.Split('\n')) terminal.Say(indent + line.TrimEnd());
    }

    /// <summary>With --verbose: what ran, so that no slow path goes unnoticed.</summary>
    public static void Kernels(this Terminal terminal, IReadOnlyList<string> kernels)
    {
        if (!terminal.Verbose) return;
        StringBuilder text = new(kernels.Count == 0 ? "kernels: none ran, everything came from the cache" : "kernels:");
        foreach ((string name, int count) in Format.Tally(kernels)) text.Append(CultureInfo.InvariantCulture, $"\n  {count,4} x {name}");
        terminal.Detail(text.ToString());
    }

    /// <summary>What <c>tune</c> and <c>train</c> say of a network's training.</summary>
    public static void Network(this Terminal terminal, TrainerResult network)
    {
        TrainerMemory memory = network.Memory;
        terminal.Field(
            "training",
            $"{Format.Count(network.TrainedParameters)} trained parameters, "
            + $"{Format.Invariant($"{network.SecondsPerStep * 1000:0.#} ms a step, {network.WaitedShare:0.0%} of it waiting for images")}"
            + Compressed(network.Compression));
        terminal.Field(
            "memory",
            $"{Format.Bytes(memory.Total)}: step {Format.Bytes(memory.Step)}, weights and optimizer {Format.Bytes(memory.Variables)}, "
                + $"rollback state {Format.Bytes(memory.Rollback)}, best weights {Format.Bytes(memory.Best)}, batches {Format.Bytes(memory.Batches)}, "
                + $"validation {Format.Bytes(memory.Validation)}"
                + $"{(memory.Device > 0 ? $"; on the device {Format.Bytes(memory.Device)}, on the host {Format.Bytes(memory.Total - memory.Device)}" : "")}");
    }

    private static string Compressed(Compression compression) => compression switch
    {
        Compression.None => "",
        Compression.Int8 => $"\nlayers between grids computed in integers, activations kept in 8 bits ({compression.ToWord()})",
        _ => $"\nactivations kept as 16-bit floats ({compression.ToWord()})",
    };

    /// <summary>What <c>tune</c> and <c>train</c> say of the process's memory.</summary>
    public static void Memory(this Terminal terminal, RunMemory memory)
    {
        foreach ((string name, string value) in memory.Fields()) terminal.Field(name, value);
    }
}
