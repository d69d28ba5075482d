using System;
using System.Collections.Generic;
using System.CommandLine;
using System.IO;
using System.Threading;
using Thomas.Architectures;
using Thomas.Graphs;

namespace Thomas.Cli.Options;

/// <summary>How a file of weights becomes a network: for <c>convert</c>, and in part for <c>train</c>.</summary>
internal sealed class WeightOptions
{
    private const int StartBytes = 16;

    private readonly Option<string> _architecture = new("--arch")
    {
        Description = "Architecture that a weight file belongs to (default: recognized)",
        HelpName = "name",
    };
    private readonly Option<string> _variant = new("--variant")
    {
        Description = "What the network has that weights do not show, for example relu6,same; see the documentation of train",
        HelpName = "words",
    };
    private readonly Option<string> _key = new("--weights-key")
    {
        Description = "Key of a checkpoint that holds the weights (default: averaged ones, then state_dict, model and the like)",
        HelpName = "key",
    };

    /// <summary>Adds what <c>train</c> needs.</summary>
    public void AddTo(Command command)
    {
        command.Add(_variant);
        command.Add(_key);
    }

    /// <summary>Adds what <c>convert</c> needs.</summary>
    public void AddAllTo(Command command)
    {
        command.Add(_architecture);
        AddTo(command);
    }

    public string Variant(ParseResult parsed) => parsed.GetValue(_variant) ?? "";

    public bool IsGiven(ParseResult parsed) =>
        parsed.GetValue(_architecture) is not null || parsed.GetValue(_variant) is not null || parsed.GetValue(_key) is not null;

    /// <summary>Reads a weight file.</summary>
    public WeightFile Read(ParseResult parsed, string path) => WeightFile.Load(path, entry: parsed.GetValue(_key));

    /// <summary>Whether a file holds weights without a network, by its contents.</summary>
    public static bool IsWeights(string path)
    {
        try
        {
            if (Directory.Exists(path)) return false;
            ReadOnlySpan<byte> start = InputFile.ReadStart(path, StartBytes);
            bool mayBe = start.StartsWith("PK\x03\x04"u8) || (start.Length > 8 && (start[0] == 0x80 || start[8] == (byte)'{'));
            return mayBe && FileKind.Recognize(InputFile.Read(path, "model"))?.Family == FileFamily.Weights;
        }
        catch (Exception e) when (e is ThomasException || InputFile.IsReadError(e))
        {
            // Reading it as a model says why.
            return false;
        }
    }

    /// <summary>The architecture of a name.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static Architecture Find(string name) => ArchitectureCatalog.TryFind(name, out Architecture? architecture)
        ? architecture
        : throw new UsageException($"Unknown architecture '{name}'; choose one of {Names()}.");

    public static string Names()
    {
        List<string> names = [];
        foreach (Architecture architecture in ArchitectureCatalog.All) names.Add(architecture.Name);
        return string.Join(", ", names);
    }

    /// <summary>How images are usually made for a network: gray ones in 0 to 1, color ones as for ImageNet, for TensorFlow's padding in -1 to 1.</summary>
    public static Preprocessing Usual(int channels, int size, string output, string variant)
    {
        Preprocessing preprocessing = channels == 1
            ? Preprocessing.Preset("unit", size, size) with { ColorOrder = ColorOrder.Gray }
            : Preprocessing.Preset(Array.IndexOf(variant.Split(','), "same") >= 0 ? "tf" : "imagenet", size, size);
        return preprocessing with { CropMargin = Preprocessing.CropMarginFor(size, size), Resize = PreprocessingOptions.DefaultFor(output) };
    }

    /// <summary>The network that the weights belong to, with them.</summary>
    public (Model Model, IReadOnlyList<string> Notes) Build(
        ParseResult parsed, string path, int? size, string output, CancellationToken cancellation)
    {
        Architecture? known = parsed.GetValue(_architecture) is string name ? Find(name) : null;
        WeightFile weights = Read(parsed, path);
        RecognizedNetwork network = WeightLoader.Recognize(weights, known, Variant(parsed), allowHeadMismatch: false, cancellation);
        ArchitectureOptions options = size is int pixels ? network.Options with { Height = pixels, Width = pixels } : network.Options;
        Graph graph = network.Architecture.Build(options);
        LoadedWeights loaded = WeightLoader.Load(graph, weights);
        Preprocessing preprocessing = Usual(options.Channels, options.Height, output, options.Variant);
        Model model = new(loaded.Graph, new ModelInfo { Name = network.Architecture.Name, Preprocessing = preprocessing });
        return (model, [.. network.Notes, .. loaded.Notes]);
    }
}
