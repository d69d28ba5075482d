using System.Collections.Generic;

namespace Thomas;

/// <summary>What a model file says besides its graph, and what was decided while it was read.</summary>
public sealed record ModelInfo
{
    /// <summary>The file's name or the name that the model carries.</summary>
    public required string Name { get; init; }

    /// <summary>The format that the model was read from; null for one made by Thomas.</summary>
    public ModelFormat? SourceFormat { get; init; }

    /// <summary>Format details for people, for example <c>ONNX opset 13, IR 7</c>.</summary>
    public string SourceVersion { get; init; } = "";

    /// <summary>Class names in the order of the outputs, where the file has them.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>How images become inputs, where the file says so.</summary>
    public Preprocessing? Preprocessing { get; init; }

    /// <summary>
    /// Where <see cref="Preprocessing"/> comes from if not from Thomas' own entries in the file, for example <c>from its int8 input: scale 0.003922, zero point
    /// -128, real numbers 0 to 1</c>; else empty.
    /// </summary>
    public string PreprocessingSource { get; init; } = "";

    /// <summary>Whether the preprocessing is the one that Thomas or a caller put there, not concluded from evidence.</summary>
    internal bool IsPreprocessingWritten => Preprocessing is not null && PreprocessingSource.Length == 0;

    /// <summary>
    /// The preset that was guessed for the file that a written one was made from; null where there was none, or a preprocessing. It is a guess in the copy too.
    /// </summary>
    internal string? GuessedPreset { get; init; }

    /// <summary>
    /// Feature vectors of the classes, which allow classes to be added without the old images; null where there are none. They fit these layers only: whoever
    /// changes the layers before the last removes them.
    /// </summary>
    public Rehearsal? Rehearsal { get; init; }

    /// <summary>Order of the image's axes in the file; the graph's own input is NHWC in any case.</summary>
    public ImageLayout InputLayout { get; init; }

    /// <summary>Whether the file leaves the batch size open. What a written file does is a matter of <see cref="SaveOptions"/>.</summary>
    public bool BatchIsSymbolic { get; init; }

    /// <summary>Whether the file holds 8-bit numbers: layers between grids compute in integers, what is trained in float32 rounded to the grids.</summary>
    public bool IsQuantized { get; init; }

    /// <summary>Whether it is written to <c>.tflite</c> in integers where nobody says otherwise: it was quantized here.</summary>
    internal bool WritesIntegers { get; init; }

    /// <summary>Other key-value pairs of the file; written back when the model is saved.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>What a person should know about how the file was read, for <c>inspect</c> and the log.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
