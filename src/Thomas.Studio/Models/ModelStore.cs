using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data.Handwriting;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.Studio.Models;

/// <summary>The models of a studio, each in a folder of its own that is named by its contents.</summary>
/// <param name="folder">Where they are.</param>
/// <param name="settings">How the studio is run.</param>
/// <param name="log">What happened.</param>
/// <param name="ended">Ends the making of the starter.</param>
internal sealed class ModelStore(string folder, StudioSettings settings, StudioLog log, CancellationToken ended)
{
    /// <summary>The model that the program makes itself.</summary>
    public const string StarterId = "starter";

    private const string ReceivedPrefix = ".received-";
    private const string About = "about.json", TfLiteFile = "model.tflite", OnnxFile = "model.onnx", Unfinished = ".new-";
    private const int MostNameCharacters = 100, AboutBytes = 1 << 20;

    private static readonly StoredModel Starter = new()
    {
        Version = StoredModel.CurrentVersion,
        Id = StarterId,
        Name = "Drawn handwriting",
        File = "starter.tflite",
        IsTfLite = true,
        Bytes = 0,
        Width = HandwrittenSet.Side,
        Height = HandwrittenSet.Side,
        Channels = 1,
        Classes = HandwrittenSet.Digits.Length,
        HasLabels = true,
        Note = "A small network that this program has taught handwritten digits, drawn by itself. It is good for signs in dark ink or light chalk; for photos, "
            + "import a photo network.",
    };

    private readonly Lock _gate = new(), _making = new();
    private readonly Dictionary<string, StoredModel> _models = new(StringComparer.Ordinal);
    private Task _starter = Task.CompletedTask;
    private double? _starterShare;

    /// <summary>The share that is done of the starter while it is made; null at other times.</summary>
    public double? StarterShare
    {
        get
        {
            lock (_gate) return _starterShare;
        }
    }

    /// <summary>Reads what is there, and removes what an import that was killed has left.</summary>
    public void Open()
    {
        Directory.CreateDirectory(folder);
        foreach (string received in Directory.GetFiles(folder, ReceivedPrefix + "*")) TemporaryFile.TryDelete(received);
        foreach (string path in Directory.GetDirectories(folder))
        {
            string name = Path.GetFileName(path);
            if (name.StartsWith(Unfinished, StringComparison.Ordinal)) Directory.Delete(path, recursive: true);
            else if ((name == StarterId || StudioId.IsOne(name)) && Read(path, name) is StoredModel model) _models.Add(name, model);
        }
    }

    /// <summary>Makes the starter where it is missing, on a thread of its own: who needs it meanwhile waits for the rest of that.</summary>
    public void BeginStarter()
    {
        lock (_gate)
        {
            if (_models.ContainsKey(StarterId)) return;
        }

        _starter = Task.Factory.StartNew(
            () =>
            {
                try
                {
                    MakeStarter();
                }
                catch (Exception e)
                {
                    // Whatever it is: who needs the starter tries again, and is told why that fails.
                    if (!ended.IsCancellationRequested) log.Add($"the starter model could not be made: {e.Message}");
                }
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Waits until nothing is made any more.</summary>
    public Task End() => _starter;

    /// <summary>All models, the starter first, whether it has been made or not.</summary>
    public IReadOnlyList<StoredModel> All()
    {
        lock (_gate)
        {
            List<StoredModel> models = [_models.GetValueOrDefault(StarterId, Starter)];
            foreach (StoredModel model in _models.Values)
            {
                if (!model.IsStarter) models.Add(model);
            }

            return models;
        }
    }

    /// <summary>A model by its id.</summary>
    /// <exception cref="StudioException">There is none.</exception>
    public StoredModel Find(string id) => TryFind(id) ?? throw StudioException.NotFound("There is no such model.");

    /// <summary>A model by its id; null if there is none.</summary>
    public StoredModel? TryFind(string id)
    {
        lock (_gate) return _models.GetValueOrDefault(id) ?? (id == StarterId ? Starter : null);
    }

    /// <summary>Reads a model. The starter is made where it is not there yet, which takes seconds.</summary>
    /// <exception cref="ThomasException">It cannot be read any more.</exception>
    public Model Load(StoredModel model, CancellationToken cancellation)
    {
        if (model.IsStarter) MakeStarter();
        return Load(PathOf(model), model.File, cancellation);
    }

    /// <summary>A file for a model that is being received.</summary>
    public string NewReceived() => Path.Combine(folder, ReceivedPrefix + StudioId.New());

    /// <summary>Takes in a model file of the person who started the program.</summary>
    /// <exception cref="StudioException">There are too many models.</exception>
    /// <exception cref="ThomasException">It cannot be read, or is no model that can be taught.</exception>
    public StoredModel Import(string path, CancellationToken cancellation)
    {
        byte[] file = InputFile.Read(path, "model", cancellation: cancellation);
        return Import(copy => File.WriteAllBytes(copy, file), Shown(path), cancellation);
    }

    /// <summary>Takes in a model file that is complete.</summary>
    /// <param name="write">Writes the file.</param>
    /// <param name="fileName">What it was called; only for people.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The model; the one that is there already if it is the same file.</returns>
    /// <exception cref="StudioException">There are too many models.</exception>
    /// <exception cref="ThomasException">It is no model that can be taught.</exception>
    public StoredModel Import(Action<string> write, string fileName, CancellationToken cancellation)
    {
        lock (_gate)
        {
            int most = settings.Limits.Models;
            if (_models.Count >= most) throw StudioException.TooMany(ErrorCode.TooManyModels, $"There are {_models.Count} models already; delete some.", most);
        }

        string work = Directory.CreateDirectory(Path.Combine(folder, Unfinished + StudioId.New())).FullName;
        try
        {
            string file = Path.Combine(work, "model");
            write(file);
            StoredModel described = Describe(file, fileName, cancellation);
            lock (_gate)
            {
                if (_models.TryGetValue(described.Id, out StoredModel? same)) return same;
                File.Move(file, Path.Combine(work, FileOf(described)));
                Write(work, described);
                Directory.Move(work, Path.Combine(folder, described.Id));
                _models.Add(described.Id, described);
            }

            log.Add($"imported the model '{described.Name}' from '{fileName}', {described.Bytes} bytes");
            return described;
        }
        finally
        {
            if (Directory.Exists(work)) Directory.Delete(work, recursive: true);
        }
    }

    /// <summary>Deletes a model.</summary>
    /// <exception cref="StudioException">It is the starter, or there is none.</exception>
    public void Delete(string id)
    {
        if (Find(id).IsStarter) throw StudioException.Conflict(ErrorCode.StarterStays, "The starter cannot be deleted.");
        lock (_gate)
        {
            string gone = Path.Combine(folder, Unfinished + StudioId.New());
            Directory.Move(Path.Combine(folder, id), gone);
            _models.Remove(id);
            Directory.Delete(gone, recursive: true);
        }
    }

    /// <summary>The last part of a name that was given, without what cannot be shown.</summary>
    internal static string Shown(string? fileName)
    {
        string name = fileName ?? "";
        name = name[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        name = VisibleText.Of(name).Trim();
        if (name.Length > MostNameCharacters) name = name[^MostNameCharacters..];
        return name.Length == 0 ? "model" : name;
    }

    private StoredModel Describe(string file, string fileName, CancellationToken cancellation)
    {
        long bytes = InputFile.LengthOf(file);
        if (bytes == 0) throw new ModelFormatException(fileName, "", "the file is empty");
        Model model = Load(file, fileName, cancellation);
        ModelChecks.RequireFinite(model);
        TunableHead head = Tuner.Describe(model);
        ImageInput input = ImageInput.Of(model);
        UInt128 hash = InputFile.Hash(file, settings.Limits.ModelBytes);
        return new StoredModel
        {
            Version = StoredModel.CurrentVersion,
            Id = ((ulong)(hash >> 64)).ToString("x16", CultureInfo.InvariantCulture),
            Name = Path.GetFileNameWithoutExtension(fileName),
            File = fileName,
            IsTfLite = model.Info.SourceFormat == ModelFormat.TfLite,
            Bytes = bytes,
            Width = input.Preprocessing.Width,
            Height = input.Preprocessing.Height,
            Channels = input.Preprocessing.Channels,
            Classes = head.KeepableClasses,
            HasLabels = model.Info.Labels is not null,
            Note = input.IsGuess ? $"The preprocessing of images is a guess: {input.Source}." : null,
        };
    }

    /// <summary>Messages call it as the person does who gave it.</summary>
    private static Model Load(string path, string name, CancellationToken cancellation) =>
        ModelFiles.Load(InputFile.Read(path, "model", cancellation: cancellation), name);

    private void MakeStarter()
    {
        lock (_making)
        {
            lock (_gate)
            {
                if (_models.ContainsKey(StarterId)) return;
            }

            StudySources sources = new(1, folder, new Dictionary<string, string>(), settings.Decoder(0))
            {
                DigitsToLearn = settings.StarterDigits,
                ToTest = HandwrittenSet.Digits.Length,
                Progress = new ImmediateProgress<StageProgress>(Count),
            };
            long start = Stopwatch.GetTimestamp();
            Model model;
            try
            {
                SetShare(0);
                model = sources.Model(StudySources.DigitsModel, ended);
            }
            finally
            {
                SetShare(null);
            }

            string work = Directory.CreateDirectory(Path.Combine(folder, Unfinished + StudioId.New())).FullName;
            string file = Path.Combine(work, TfLiteFile);
            ModelFiles.Save(model, file, new SaveOptions());
            StoredModel starter = Starter with { Bytes = InputFile.LengthOf(file) };
            Write(work, starter);
            Directory.Move(work, Path.Combine(folder, StarterId));
            lock (_gate) _models.Add(StarterId, starter);
            log.Add(string.Create(CultureInfo.InvariantCulture, $"made the starter model in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s"));
        }
    }

    private void Count(StageProgress progress)
    {
        if (!progress.IsWarning && progress.Stage == "train" && progress.Total > 0) SetShare((double)progress.Done / progress.Total);
    }

    private void SetShare(double? share)
    {
        lock (_gate) _starterShare = share;
    }

    private StoredModel? Read(string path, string id)
    {
        try
        {
            StoredModel? model = JsonSerializer.Deserialize(InputFile.ReadAll(Path.Combine(path, About), AboutBytes), StoreJson.Default.StoredModel);
            if (model is { Version: StoredModel.CurrentVersion } && model.Id == id && File.Exists(PathOf(model))) return model;
            log.Add($"the model in '{path}' is left out: it is of another version, or its file is missing");
        }
        catch (Exception e) when (InputFile.IsReadError(e) || e is JsonException)
        {
            log.Add($"the model in '{path}' is left out: {e.Message}");
        }

        return null;
    }

    private static void Write(string path, StoredModel model) => AtomicFile.Write(
        Path.Combine(path, About), stream => stream.Write(JsonSerializer.SerializeToUtf8Bytes(model, StoreJson.Default.StoredModel)));

    private string PathOf(StoredModel model) => Path.Combine(folder, model.Id, FileOf(model));

    private static string FileOf(StoredModel model) => model.IsTfLite ? TfLiteFile : OnnxFile;
}
