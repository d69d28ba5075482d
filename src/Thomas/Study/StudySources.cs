using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using Thomas.Architectures;
using Thomas.Autodiff;
using Thomas.Data;
using Thomas.Data.Handwriting;
using Thomas.Training;

namespace Thomas.Study;

/// <summary>Finds the models and data sets that a study names.</summary>
/// <param name="seed">Seed of random weights and drawn images.</param>
/// <param name="folder">Where relative paths begin.</param>
/// <param name="names">Paths that were given for names, of models and data alike.</param>
/// <param name="decoder">Decodes images.</param>
internal sealed class StudySources(ulong seed, string folder, IReadOnlyDictionary<string, string> names, IImageDecoder decoder)
{
    /// <summary>A LeNet-5 that learns drawn digits before it is measured.</summary>
    public const string DigitsModel = "digits";

    /// <summary>Data that the program draws.</summary>
    public const string DrawnDigits = "drawn-digits", DrawnLetters = "drawn-letters";

    private const int LettersToLearn = 128;
    private const int DigitEpochs = 2;

    private readonly Dictionary<string, Model> _models = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Dataset> _data = new(StringComparer.Ordinal);

    /// <summary>Digits that the program draws for <see cref="DigitsModel"/> to learn.</summary>
    public int DigitsToLearn { get; init; } = 6_000;

    /// <summary>Digits, and letters, that it draws to validate with.</summary>
    public int ToTest { get; init; } = 1_000;

    /// <summary>Told of the steps of the training of <see cref="DigitsModel"/>; null for nobody.</summary>
    public IProgress<StageProgress>? Progress { get; init; }

    /// <summary>Decodes images.</summary>
    public IImageDecoder Decoder => decoder;

    /// <summary>Whether a data set is drawn by the program.</summary>
    public static bool IsDrawn(string data) => data is DrawnDigits or DrawnLetters;

    /// <summary>The architecture of a name such as <c>lenet5:32x32x3</c>, with the size of its images; null where the name is none.</summary>
    public static (Architecture Architecture, int Height, int Width, int Channels)? Architecture(string name)
    {
        string[] parts = name.Split(':');
        if (parts.Length > 2 || !ArchitectureCatalog.TryFind(parts[0], out Architecture? architecture)) return null;
        if (parts.Length == 1) return (architecture, architecture.DefaultSize, architecture.DefaultSize, architecture.DefaultChannels);
        string[] sizes = parts[1].Split('x');
        int[] numbers = new int[3];
        for (int i = 0; i < 3; i++)
        {
            if (sizes.Length != 3 || !int.TryParse(sizes[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
            {
                throw new ThomasException($"'{name}': the size of an architecture is written HEIGHTxWIDTHxCHANNELS.");
            }
        }

        return (architecture, numbers[0], numbers[1], numbers[2]);
    }

    /// <summary>A model.</summary>
    /// <param name="name">As the study writes it.</param>
    /// <param name="cancellation">Ends the training of <see cref="DigitsModel"/>.</param>
    /// <exception cref="ThomasException">There is none, or it cannot be read; the message is the reason.</exception>
    public Model Model(string name, CancellationToken cancellation)
    {
        if (_models.TryGetValue(name, out Model? known)) return known;
        Model model = !names.ContainsKey(name) && name == DigitsModel ? LearnDigits(cancellation)
            : !names.ContainsKey(name) && Architecture(name) is not null ? Random(name, null)
            : ModelFile.Load(PathOf(name, "model"), cancellation);
        _models.Add(name, model);
        return model;
    }

    /// <summary>An architecture with random weights and the classes of a data set.</summary>
    /// <param name="name">Architecture and size.</param>
    /// <param name="labels">Classes; null for those it was published with.</param>
    public Model Random(string name, IReadOnlyList<string>? labels)
    {
        (Architecture architecture, int height, int width, int channels) = Architecture(name) ?? throw new ArgumentException(name, nameof(name));
        Preprocessing preprocessing = channels == 1
            ? Preprocessing.Preset("unit", width, height) with { ColorOrder = ColorOrder.Gray }
            : Preprocessing.Preset("imagenet", width, height);
        ArchitectureOptions options = new()
        {
            Classes = labels?.Count ?? architecture.DefaultClasses,
            Height = height,
            Width = width,
            Channels = channels,
            Seed = seed,
        };
        return new Model(
            architecture.Build(options),
            new ModelInfo { Name = name, Labels = labels, Preprocessing = preprocessing with { CropMargin = Preprocessing.CropMarginFor(width, height) } });
    }

    /// <summary>A data set, with training and validation parts.</summary>
    /// <exception cref="ThomasException">There is none, or it cannot be read; the message is the reason.</exception>
    public Dataset Data(string name)
    {
        if (_data.TryGetValue(name, out Dataset? known)) return known;
        Dataset data = names.ContainsKey(name) ? DatasetLoader.Load(PathOf(name, "data"))
            : name == DrawnDigits ? Drawn(name, HandwrittenSet.Digits, DigitsToLearn, ToTest, 0)
            : name == DrawnLetters ? Drawn(name, HandwrittenSet.Letters, LettersToLearn, ToTest, 2)
            : DatasetLoader.Load(PathOf(name, "data"));
        _data.Add(name, data);
        return data;
    }

    private string PathOf(string name, string kind)
    {
        if (names.TryGetValue(name, out string? given)) return given;
        string path = Path.Combine(folder, name);
        if (File.Exists(path) || Directory.Exists(path)) return path;
        throw new ThomasException($"The {kind} '{name}' was not given: --{kind} {name}=PATH, or a file of that name beside the study.");
    }

    private Model LearnDigits(CancellationToken cancellation)
    {
        Dataset digits = Data(DrawnDigits);
        Preprocessing input = DrawnInput;
        Model random = new(
            LeNet5.Architecture.Build(new ArchitectureOptions { Classes = digits.ClassNames.Count, Seed = seed }),
            new ModelInfo { Name = DigitsModel, Labels = digits.ClassNames, Preprocessing = input });
        using PreparedSet train = PreparedSet.Create(
            digits.Only(Subset.Train), decoder, new PreparedSetOptions { Preprocessing = input }, null, cancellation);
        TrainerOptions options = new()
        {
            Policy = UpdatePolicy.All,
            Epochs = DigitEpochs,
            Optimizer = new OptimizerOptions { Kind = OptimizerKind.Sgd, Momentum = 0.9f, BodyRate = 1 },
            LearningRate = 0.03f,
            Seed = seed,
        };
        TrainerResult result = Trainer.Train(random, train, null, options, null, Progress, cancellation);
        cancellation.ThrowIfCancellationRequested();
        return result.Model;
    }

    private static Preprocessing DrawnInput =>
        Preprocessing.Preset("unit", HandwrittenSet.Side, HandwrittenSet.Side) with { ColorOrder = ColorOrder.Gray, CropMargin = 1 };

    private Dataset Drawn(string name, string characters, int learn, int test, ulong set)
    {
        Dataset first = HandwrittenSet.Create(characters, learn, unchecked((seed * 4) + set)).ToDataset(Subset.Train);
        Dataset second = HandwrittenSet.Create(characters, test, unchecked((seed * 4) + set + 1)).ToDataset(Subset.Validation);
        return new Dataset(name, first.ClassNames, [.. first.Samples, .. second.Samples]);
    }
}
