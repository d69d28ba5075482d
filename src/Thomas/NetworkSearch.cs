using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Thomas.Architectures;
using Thomas.Graphs;

namespace Thomas;

/// <summary>Tries the published networks, their widths and variants on a file of weights.</summary>
internal sealed class NetworkSearch
{
    private const int NearestLines = 3, NamesInLine = 3;

    /// <summary>A file with less than this share of a network's parameters is not looked at as that network: the graph would take memory for nothing.</summary>
    private const int LeastShare = 4;

    /// <summary>
    /// A file with this many times as many layers as a network, or the network as the file, is not compared with it: most of either would be left over.
    /// </summary>
    private const int MostTimesTheLayers = 4;

    private const int FewestClasses = 2, MostClasses = 1 << 17, MostFeatures = 4096;

    // The published width first, then those of the papers, torchvision, timm and pytorch-cifar-models.
    private static readonly float[] Widths = [1, 0.75f, 0.5f, 0.25f, 0.35f, 1.4f, 1.3f, 1.1f, 1.2f, 1.25f, 1.5f, 2, 0.1f, 0.2f, 0.4f, 0.6f, 0.8f];

    private readonly WeightFile _file;
    private readonly Architecture? _architecture;
    private readonly string _variant;
    private readonly List<WeightView> _views;
    private readonly List<(Trial Trial, int Layers, int Of, string Problem)> _tried = [];
    private readonly Dictionary<(Architecture Architecture, string Words), int> _layerCounts = [];
    private readonly long _elements;
    private readonly CancellationToken _cancellation;
    private Trial? _headless;
    private string _lengths = "";

    public NetworkSearch(WeightFile file, Architecture? architecture, string variant, CancellationToken cancellation)
    {
        _cancellation = cancellation;
        _file = file;
        _architecture = architecture;
        _variant = variant;
        _views = WeightView.Of(file);
        foreach (NamedTensor tensor in file.Tensors) _elements += tensor.Shape.ElementCount;
    }

    /// <exception cref="WeightMismatchException">The weights belong to no network.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public RecognizedNetwork Find(bool allowHeadMismatch)
    {
        List<Architecture> candidates = _architecture is null ? [.. ArchitectureCatalog.All] : [_architecture];
        candidates.Sort(static (a, b) => a.ParameterCount.CompareTo(b.ParameterCount));
        foreach (WeightView view in _views)
        {
            foreach (Architecture candidate in candidates)
            {
                if (_architecture is null && !candidate.HasWidthMultiplier && candidate.ParameterCount > _elements * LeastShare) continue;
                if (Find(candidate, view, allowHeadMismatch) is RecognizedNetwork found) return found;
            }
        }

        throw _headless is null ? Mismatch() : Headless(_headless);
    }

    private RecognizedNetwork? Find(Architecture candidate, WeightView view, bool allowHeadMismatch)
    {
        FileLayer? first = view.Layers.Find(static layer => !layer.IsNorm);
        if (first is null || !first.Tensors.TryGetValue(FileLayer.Weight, out NamedTensor? filter) || filter.Shape.Rank != 4) return null;
        if (_architecture is null && !VariantWords.AreKnown(candidate, _variant)) return null;
        int channels = filter.Shape[1];
        (string implied, string origin) = WeightOrigin.Of(view, candidate.Name);
        implied = VariantWords.Known(candidate, implied);
        foreach (string structure in candidate.Structures)
        {
            string words = VariantWords.Join(VariantWords.Join(implied, structure), _variant);
            foreach (float width in candidate.HasWidthMultiplier ? Widths : [1])
            {
                foreach (int size in Sizes(candidate, words, channels))
                {
                    _cancellation.ThrowIfCancellationRequested();
                    if (IsFarLonger(candidate, words, view)) continue;
                    ArchitectureOptions options = new()
                    {
                        Classes = ClassesToTry(view),
                        Height = size,
                        Width = size,
                        Channels = channels,
                        WidthMultiplier = width,
                        Variant = words,
                        IsBlank = true,
                    };
                    Trial trial = new(candidate, options, candidate.Build(options), view);
                    if (Classes(trial, allowHeadMismatch) is int classes)
                    {
                        options = options with { Classes = classes, IsBlank = false };
                        return new RecognizedNetwork(candidate, options, Notes(candidate, options, origin));
                    }
                }
            }
        }

        return null;
    }

    private static int[] Sizes(Architecture candidate, string words, int channels)
    {
        if (candidate.Sizes.Length > 0) return channels == candidate.DefaultChannels ? candidate.Sizes : [.. candidate.Sizes.AsSpan()[1..], candidate.Sizes[0]];
        return [new VariantWords(words).Has(VariantWords.SmallImages) ? 32 : candidate.DefaultSize];
    }

    /// <summary>The outputs of the file's last layer, unless a head of so many would take far more memory than the file.</summary>
    private int ClassesToTry(WeightView view)
    {
        int classes = view.Layers.FindLast(static layer => !layer.IsNorm)?.Channels ?? 0;
        return classes >= FewestClasses && (long)classes * MostFeatures <= _elements * LeastShare ? classes : FewestClasses;
    }

    /// <summary>The number of classes of the file if all else is this network's; null where it is not.</summary>
    private int? Classes(Trial trial, bool allowHeadMismatch)
    {
        List<GraphUnit> units = LayerAlignment.UnitsOf(trial.Graph!);
        _layerCounts[(trial.Architecture, trial.Options.Variant)] = units.Count;
        if (IsFarLonger(trial.Architecture, trial.Options.Variant, trial.View)) return null;
        GraphUnit head = units[^1];
        WeightMatch match = new(trial.Graph!, trial.View.File);
        match.Run(allowHeadMismatch: true);
        NamedTensor? weight = match.IsWhole ? trial.View.File.Find(head.Weight.Name) : null;
        bool fits = match.IsWhole;
        string problem = "";
        if (!fits)
        {
            LayerAlignment alignment = LayerAlignment.Find(units, trial.View.Units, trial.View.Problem, allowHeadMismatch: true);
            fits = alignment.Pairs.Count > 0;
            problem = alignment.Problem;
            FileUnit? last = !fits ? null : alignment.Pairs[^1].File ?? (alignment.LeftOut.Count == 1 ? alignment.LeftOut[0] : null);
            last?.Layer.Tensors.TryGetValue(FileLayer.Weight, out weight);
        }

        if (!fits)
        {
            List<FileUnit> file = trial.View.Units;
            _tried.Add((trial with { Graph = null }, LayerAlignment.CountInOrder(units, file), Math.Max(units.Count, file.Count), problem));
            return null;
        }

        // The head of this network with other classes, nothing else.
        Shape own = head.Layout.TorchShape;
        int features = own.ElementCount / own[0];
        if (weight is not null && weight.Shape.Rank > 1 && weight.Shape.ElementCount == (long)weight.Shape[0] * features
            && weight.Shape[0] is >= FewestClasses and <= MostClasses)
        {
            return weight.Shape[0];
        }

        if (allowHeadMismatch) return trial.Architecture.DefaultClasses;
        _headless ??= trial with { Graph = null };
        return null;
    }

    /// <summary>
    /// Whether the file or the network has far more layers than the other. How many layers a network has depends neither on its width nor on its input.
    /// </summary>
    private bool IsFarLonger(Architecture candidate, string words, WeightView view)
    {
        if (!_layerCounts.TryGetValue((candidate, words), out int network)) return false;
        int file = view.Units.Count;
        if (file <= MostTimesTheLayers * network && network <= MostTimesTheLayers * file) return false;
        if (_architecture is not null && _lengths.Length == 0) _lengths = $"the file has {file} layers, {candidate.Name} has {network}";
        return true;
    }

    private static List<string> Notes(Architecture architecture, ArchitectureOptions options, string origin)
    {
        List<string> notes = [$"recognized: {Describe(architecture, options)}, {options.Classes} classes"];
        if (architecture.Variants.Count == 0) return notes;
        List<string> words = [];
        foreach (ArchitectureVariant variant in architecture.Variants) words.Add(variant.Word);
        notes.Add(
            $"the weights do not show activations, paddings and strides; assumed: {(options.Variant.Length > 0 ? $"{options.Variant}, " : "")}as in {origin}; "
            + $"variants to choose from: {string.Join(", ", words)}");
        return notes;
    }

    private static string Describe(Architecture architecture, ArchitectureOptions options)
    {
        string width = options.WidthMultiplier == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", width {options.WidthMultiplier}");
        string variant = options.Variant.Length > 0 ? $", variant {options.Variant}" : "";
        return $"{architecture.Name}{width}{variant}, {options.Channels}x{options.Height}x{options.Width}";
    }

    private WeightMismatchException Headless(Trial trial) => new(
        _file.Name,
        [
            $"the weights are those of {Describe(trial.Architecture, trial.Options)}, but their last layer is missing or is another one",
            $"train a new one on your images: thomas train {trial.Architecture.Name} --weights FILE --data DIR",
        ]);

    private WeightMismatchException Mismatch()
    {
        _tried.Sort(static (a, b) => ((double)b.Layers / b.Of).CompareTo((double)a.Layers / a.Of));
        List<string> lines =
            [_architecture is null ? "the weights belong to no network that Thomas builds" : $"the weights do not fit {_architecture.Name}"];
        HashSet<string> named = new(StringComparer.Ordinal);
        foreach ((Trial trial, int layers, int of, string problem) in _tried)
        {
            if (named.Count == NearestLines) break;
            if (layers == 0 || !named.Add(trial.Architecture.Name)) continue;
            string place = named.Count == 1 ? "nearest" : "then";
            lines.Add($"{place}: {Describe(trial.Architecture, trial.Options)}: {layers} of {of} layers have its sizes in its order");
            if (named.Count > 1) continue;
            if (problem.Length > 0) lines.Add($"  {problem}");
            AddDifferences(lines, trial);
        }

        if (named.Count == 0 && _lengths.Length > 0) lines.Add(_lengths);
        if (_architecture is null)
        {
            List<string> names = [];
            foreach (Architecture architecture in ArchitectureCatalog.All) names.Add(architecture.Name);
            lines.Add($"Thomas builds {string.Join(", ", names)}; export another network to .onnx");
        }

        return new WeightMismatchException(_file.Name, lines);
    }

    /// <summary>The layers of either side that the other has not, in order.</summary>
    private static void AddDifferences(List<string> lines, Trial trial)
    {
        List<GraphUnit> network = LayerAlignment.UnitsOf(trial.Architecture.Build(trial.Options));
        List<FileUnit> file = trial.View.Units;
        List<string> missing = [], unexpected = [];
        int at = 0;
        for (int i = 0; i < network.Count; i++)
        {
            int found = file.FindIndex(at, network[i].Fits);

            // A layer that fits far behind is another one if taking it costs more than it gives: then this one is missing.
            List<GraphUnit> behind = network[(i + 1)..];
            if (found < 0 || LayerAlignment.CountInOrder(behind, file[at..]) > LayerAlignment.CountInOrder(behind, file[(found + 1)..]) + 1)
            {
                missing.Add($"{network[i].Name} {network[i].Layout.TorchShape}");
                continue;
            }

            for (; at < found; at++) unexpected.Add(Describe(file[at]));
            at = found + 1;
        }

        for (; at < file.Count; at++) unexpected.Add(Describe(file[at]));
        Add("the file lacks", missing);
        Add("the network lacks", unexpected);

        void Add(string what, List<string> names)
        {
            if (names.Count == 0) return;
            string more = names.Count > NamesInLine ? $" and {names.Count - NamesInLine} more" : "";
            lines.Add($"  {what} {string.Join(", ", names.GetRange(0, Math.Min(names.Count, NamesInLine)))}{more}");
        }

        static string Describe(FileUnit unit) => unit.Layer.Tensors.TryGetValue(FileLayer.Weight, out NamedTensor? weight)
            ? $"'{unit.Name}' {weight.Shape}"
            : $"'{unit.Name}'";
    }

    private sealed record Trial(Architecture Architecture, ArchitectureOptions Options, Graph? Graph, WeightView View);
}
