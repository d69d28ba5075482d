using System;
using System.Collections.Generic;
using Thomas.App;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Imaging;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>What several commands say about a run.</summary>
internal static class RunNotes
{
    private const int ListedImages = 20;

    /// <summary>Names the images that were left out: all of them with --verbose, else the first few.</summary>
    public static void Broken(this Terminal terminal, IReadOnlyList<BrokenImage> broken)
    {
        if (broken.Count == 0) return;
        int shown = terminal.Verbose ? broken.Count : int.Min(broken.Count, ListedImages);
        terminal.Warn($"{Format.Plural(broken.Count, "image was", "images were")} left out:");
        for (int i = 0; i < shown; i++) terminal.Add($"  {broken[i].Sample.Image.Name}: {broken[i].Reason}");
        if (shown < broken.Count) terminal.Add($"  and {broken.Count - shown} more (--verbose lists all)");
    }

    /// <summary>
    /// Which decoder reads the images. Where SkiaSharp's library is missing nobody should have to find that out; a build that never has it says so on request.
    /// </summary>
    public static void Decoder(this Terminal terminal)
    {
        if (ImageDecoders.SkiaProblem is null || Build.IsStatic) terminal.Detail($"images: {ImageDecoders.Describe()}");
        else terminal.Note($"note: images are decoded by managed code, WebP not at all: {ImageDecoders.SkiaProblem}");
    }

    /// <summary>What is trained of an 8-bit file runs otherwise than the file says: nobody should have to find that out.</summary>
    public static void Quantized(this Terminal terminal, Model model, Compression compression = Compression.None)
    {
        if (!model.Info.IsQuantized) return;
        string trained = compression == Compression.Int8
            ? "what is frozen and what is trained computes in integers, and stays on its grids"
            : "what is frozen computes in integers, what is trained in float32 rounded to the file's grids";
        terminal.Note($"note: {model.Info.Name} is an 8-bit file; {trained}");
    }

    /// <summary>What else than a softmax over all outputs stands behind the percentages.</summary>
    public static void ClassOutput(this Terminal terminal, Model model, ClassOutput output)
    {
        if (output.Warning is not null) terminal.Warn(output.Warning);
        string text = $"output of {model.Info.Name}: {output.Description}";
        if (output.IsBinary || output.IsIndependent || model.Graph.Outputs.Count > 1) terminal.Note($"note: {text}");
        else terminal.Detail(text);
    }

    /// <summary>The warnings of a run, but for those of its guard, which were told when it began.</summary>
    public static void Warnings(this Terminal terminal, IReadOnlyList<string> warnings, PauseReport? told = null)
    {
        HashSet<string> known = [.. told?.Warnings ?? []];
        foreach (string warning in warnings)
        {
            if (!known.Contains(warning)) terminal.Warn(warning);
        }
    }

    /// <summary>What a written file holds of a model that came from 8 bits.</summary>
    public static void WrittenQuantized(this Terminal terminal, Model model, string output)
    {
        if (!output.EndsWith(".onnx", StringComparison.OrdinalIgnoreCase)) terminal.Quantized(model);
        else if (model.Info.IsQuantized) terminal.Note($"note: {WeightNote(model)}");
    }

    /// <summary>A .tflite file that was written here holds the weights of an 8-bit network as float32, and so does what is made of it.</summary>
    private static string WeightNote(Model model)
    {
        bool hasIntegers = false, hasFloats = false;
        foreach (Node node in model.Graph.Nodes)
        {
            foreach (Value input in node.Inputs)
            {
                if (input.Constant is not { Type: { DType: DType.F32, Shape.Rank: >= 2 } } data) continue;
                if (data.Quantization is null) hasFloats = true;
                else hasIntegers = true;
            }
        }

        if (!hasIntegers) return "the source stores the weights of this 8-bit network as float32, and so does the output";
        return hasFloats ? "8-bit weights are written as 8-bit integers, trained layers as float32" : "8-bit weights are written as 8-bit integers";
    }

    /// <summary>How long a guard has paused the run, and why; nothing if it has not.</summary>
    public static void Pauses(this Terminal terminal, PauseReport? pauses)
    {
        if (pauses is null || pauses.Count == 0) return;
        terminal.Field("paused", $"{Format.Duration(pauses.Duration)}\n{string.Join('\n', pauses.Reasons)}");
    }

    /// <summary>How a run that was not finished came to its end.</summary>
    public static string Ended(this Terminal terminal, PauseReport? pauses) =>
        pauses?.StopReason is string reason && !terminal.Cancellation.IsCancellationRequested ? $"stopped: {reason}" : "cancelled";

    public static void Details(this Terminal terminal, IReadOnlyList<string> notes)
    {
        foreach (string note in notes) terminal.Detail($"note: {VisibleText.Of(note)}");
    }
}
