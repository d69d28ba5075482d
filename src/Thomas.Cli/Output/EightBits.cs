using Thomas.App;
using Thomas.App.Reports;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Imaging;
using Thomas.Quantizing;
using Thomas.Runtime;
using Thomas.Training;

namespace Thomas.Cli.Output;

/// <summary>
/// A float network in 8-bit integers before it is tuned: the layers before the first trained one for <c>--compress frozen</c>, all of them for
/// <c>--compress int8</c>. A network that is 8-bit already stays as it is.
/// </summary>
/// <param name="Policy">What will be trained.</param>
/// <param name="OnlyFrozen">Whether the trained layers stay float32.</param>
internal sealed record EightBits(UpdatePolicy Policy, bool OnlyFrozen)
{
    /// <summary>The network to plan with, whose numbers mean nothing, and what making the real one takes.</summary>
    /// <exception cref="ThomasException">The policy leaves nothing frozen.</exception>
    public (Model Model, long Bytes) Outline(Model model, CompileOptions compile, int images)
    {
        if (Quantizer.IsQuantized(model)) return (Kept(model), 0);
        int used = images > 0 ? images : Quantizer.DefaultImages;
        return OnlyFrozen
            ? (Quantizer.OutlineFrozen(model, Policy), Quantizer.FrozenBytes(model, Policy, compile, used))
            : (Quantizer.Outline(model), Quantizer.FrozenBytes(model, UpdatePolicy.Last, compile, used));
    }

    /// <summary>The network to tune, on grids that some of the training images set.</summary>
    public (Model Model, EightBitsReport Report) Apply(Terminal terminal, Model model, Dataset data, TuningOptions options)
    {
        if (Quantizer.IsQuantized(model)) return (Kept(model), new EightBitsReport(null, null, null, []));
        QuantizerOptions how = (OnlyFrozen ? QuantizerOptions.Quick : new QuantizerOptions()) with
        {
            Preprocessing = options.Preprocessing,
            Compile = options.Compile,
            MemoryBytes = options.MemoryBytes,
        };
        IImageDecoder decoder = ImageDecoders.Best(
            memory: options.MemoryBytes is long bound ? RunPlanner.DecodeBytes(bound, options.Compile, data.HeldBytes) : 0);
        Dataset some = Quantizer.Some(data);
        QuantizedModel result = ProgressDisplay.Run(terminal, [], progress => OnlyFrozen
            ? Quantizer.QuantizeFrozen(model, Policy, some, decoder, how, progress, terminal.Cancellation)
            : Quantizer.Quantize(model, some, decoder, how, progress, terminal.Cancellation));
        if (options.MemoryBytes is not null) ProcessMemory.Trim();
        return (result.Model, new EightBitsReport(result.Images, result.Agreement, result.SignalToNoise, result.Notes));
    }

    /// <summary>An 8-bit network, which is written as one.</summary>
    private Model Kept(Model model)
    {
        if (OnlyFrozen) FrozenPart.Require(model, Policy);
        return new Model(model.Graph, model.Info with { WritesIntegers = true });
    }

    /// <summary>What was done, as a field.</summary>
    public void Print(Terminal terminal, EightBitsReport report)
    {
        string field = OnlyFrozen ? "frozen part" : "8 bits";
        if (report.CalibrationImages is not int images)
        {
            if (OnlyFrozen) terminal.Field(field, "an 8-bit network: what is not trained runs in integers as it is");
            return;
        }

        string same = report.Agreement is double agreement ? $"before tuning the same class as in float32 for {Format.Percent(agreement)}, " : "";
        terminal.Field(
            field,
            Format.Invariant($"8-bit integers; {same}signal to noise {report.SignalToNoise:0.0} dB, on the {images} training images that set the grids"));
        foreach (string note in report.Notes) terminal.Note($"note: {note}");
    }
}
