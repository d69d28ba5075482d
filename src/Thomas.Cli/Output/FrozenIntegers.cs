using Thomas.App;
using Thomas.App.Reports;
using Thomas.Autodiff;
using Thomas.Cli.Options;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>The layers before the first trained one in 8-bit integers, for <c>--compress frozen</c>.</summary>
internal static class FrozenIntegers
{
    /// <summary>The network to plan with, whose numbers mean nothing, and what making the real one takes.</summary>
    /// <exception cref="ThomasException">The policy leaves nothing frozen.</exception>
    public static (Model Model, long Bytes) Outline(Model model, UpdatePolicy policy, CompileOptions compile, int images) => Quantizer.IsQuantized(model)
        ? (model, 0)
        : (Quantizer.OutlineFrozen(model, policy), Quantizer.FrozenBytes(model, policy, compile, images > 0 ? images : Quantizer.DefaultImages));

    /// <summary>The network to tune, on grids that some of the training images set; an 8-bit one as it is.</summary>
    public static (Model Model, FrozenReport Report) Apply(Terminal terminal, Model model, UpdatePolicy policy, Dataset data, TuningOptions options)
    {
        if (Quantizer.IsQuantized(model)) return (model, new FrozenReport(null, null, null, []));
        QuantizerOptions how = new() { Preprocessing = options.Preprocessing, Compile = options.Compile, MemoryBytes = options.MemoryBytes };
        IImageDecoder decoder = ImageDecoders.Best(
            memory: options.MemoryBytes is long bound ? RunPlanner.DecodeBytes(bound, options.Compile, data.HeldBytes) : 0);
        QuantizedModel result = ProgressDisplay.Run(
            terminal, [], progress => Quantizer.QuantizeFrozen(model, policy, Quantizer.Some(data), decoder, how, progress, terminal.Cancellation));
        if (options.MemoryBytes is not null) ProcessMemory.Trim();
        return (result.Model, new FrozenReport(result.Images, result.Agreement, result.SignalToNoise, result.Notes));
    }

    /// <summary>What was done, as a field.</summary>
    public static void Print(Terminal terminal, FrozenReport? report)
    {
        if (report is null) return;
        if (report.CalibrationImages is not int images)
        {
            terminal.Field("frozen part", "an 8-bit network: what is not trained runs in integers as it is");
            return;
        }

        string same = report.Agreement is double agreement ? $"before tuning the same class as in float32 for {Format.Percent(agreement)}, " : "";
        terminal.Field(
            "frozen part",
            Format.Invariant($"8-bit integers; {same}signal to noise {report.SignalToNoise:0.0} dB, on the {images} training images that set the grids"));
        foreach (string note in report.Notes) terminal.Note($"note: {note}");
    }
}
