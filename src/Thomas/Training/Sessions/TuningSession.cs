using System;
using System.Collections.Generic;
using System.Threading;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Runtime;

namespace Thomas.Training;

/// <summary>
/// Teaches a model image by image: add or remove labeled images, train its last layer in milliseconds, classify what the camera shows, undo, save. Everything
/// but the model is kept in a folder, so that a session goes on after a restart, or after the process was killed: what a call has returned from is on the disk.
/// </summary>
/// <remarks>
/// <para>Only the features of the images are kept (5 KiB an image for MobileNetV2), not the images. They depend on the model, so a session takes no other model
/// than the one that it was begun with; docs/sessions.md describes its files.</para>
/// <para>All members may be called by any number of threads at once. Adding, removing and undoing wait for each other and for the disk; classifying waits for
/// none of them and uses the last head that was trained, until a newer one takes its place all at once. A second training waits for the first.</para>
/// <para>The same images, added in the same order, and the same seed give the same head, bit for bit, on one kind of processor, however often the session was
/// closed meanwhile.</para>
/// </remarks>
/// <example>
/// <code>
/// using TuningSession session = TuningSession.Open("my-session", Model.Load("mobilenet_v2.onnx"), ImageDecoders.Best());
/// session.Add("cat", "cat1.jpg");
/// session.Add("dog", "dog1.jpg");
/// await session.TrainAsync();
/// Console.WriteLine(session.Classify(frame)[0]);
/// session.ToModel().Save("cats-and-dogs.tflite");
/// </code>
/// </example>
public sealed partial class TuningSession : IDisposable
{
    /// <summary>A class needs so many images before some of them are set aside to measure the accuracy.</summary>
    public const int ImagesToCheck = 5;

    // A camera, a thread that adds files, and one to spare; each has a working memory of its own, 2.3 MiB for MobileNetV2.
    private const int SideBySide = 3;

    private readonly string _modelName;
    private readonly SessionFolder _files;
    private readonly HeadSplit _split;
    private readonly Preprocessor _preprocessor;
    private readonly FallbackPool _backbone;
    private readonly IImageDecoder? _decoder;
    private readonly TuningSessionOptions _options;
    private readonly SessionState _state;
    private readonly List<string> _notices = [];

    // Changes wait for each other and for the disk at the first; the second guards what lies in memory and is never held for long.
    private readonly Lock _writer = new(), _gate = new();
    private IReadOnlyList<TuningSessionItem>? _items;
    private volatile Trained? _trained;
    private volatile bool _disposed;

    private TuningSession(Model model, IImageDecoder? decoder, TuningSessionOptions options, SessionFolder files)
    {
        Preprocessing? own = files.Manifest?.Input;
        if (own is not null && options.Preprocessing is Preprocessing wanted && wanted != own)
        {
            throw new DataException(
                $"The session '{files.Path}' was started with a different preprocessing; do not give one, or start a new session.");
        }

        (_modelName, _decoder, _options, _files) = (model.Info.Name, decoder, options, files);
        Input = InputOf(model, files, options.Preprocessing);
        ModelChecks.RequireFinite(model);
        _split = HeadSplit.Find(model);
        _preprocessor = new Preprocessor(Input.Preprocessing);
        Graph features = _split.FeatureGraph();
        _backbone = new FallbackPool(
            options.Compile, compile => new ExecutablePool(BatchFit.Compile(features, 1, compile), SideBySide, nameof(TuningSession)));
        try
        {
            MatchModel(ModelHash.Of(features));
            _state = files.ReadImages(options, _notices);
            if (files.ReadHead(_notices) is SessionHead head) _trained = MakeTrained(head);
        }
        catch
        {
            _backbone.Dispose();
            throw;
        }
    }

    /// <summary>The session's folder, in full.</summary>
    public string Folder => _files.Path;

    /// <summary>The preprocessing in use and where it comes from.</summary>
    public ImageInput Input { get; }

    /// <summary>Features of an image.</summary>
    public int Features => _split.FeatureCount;

    /// <summary>What a user should know of how the session was opened: a change that was cut off by a crash, a head that must be trained again.</summary>
    public IReadOnlyList<string> Notices => _notices;

    /// <summary>
    /// What a user should know of the device, by now: kernels of it that cannot be used, and that it has failed, so that the CPU has computed from there on. A
    /// session loses nothing by that.
    /// </summary>
    public IReadOnlyList<string> DeviceNotes
    {
        get
        {
            lock (_gate) return [.. _backbone.Notes, .. _trainingNotes];
        }
    }

    /// <summary>The images, in the order in which they were added, as they are at the moment.</summary>
    public IReadOnlyList<TuningSessionItem> Items
    {
        get
        {
            lock (_gate)
            {
                if (_items is not null) return _items;
                TuningSessionItem[] items = new TuningSessionItem[_state.Images.Count];
                for (int i = 0; i < items.Length; i++)
                {
                    SessionImage image = _state.Images[i];
                    items[i] = new TuningSessionItem(image.Id, image.Class.Label, image.Added);
                }

                return _items = items;
            }
        }
    }

    /// <summary>The classes that have images, in the order in which they came up, as they are at the moment.</summary>
    public IReadOnlyList<TuningSessionClass> Classes
    {
        get
        {
            lock (_gate)
            {
                TuningSessionClass[] classes = new TuningSessionClass[_state.Classes.Count];
                for (int i = 0; i < classes.Length; i++) classes[i] = new TuningSessionClass(_state.Classes[i].Label, _state.Classes[i].Images);
                return classes;
            }
        }
    }

    /// <summary>Whether there is a change that <see cref="Undo"/> would take back. The last 100 can be, also after a restart.</summary>
    public bool CanUndo
    {
        get
        {
            lock (_gate) return _state.CanUndo;
        }
    }

    /// <summary>Whether there is a change that <see cref="Redo"/> would make again.</summary>
    public bool CanRedo
    {
        get
        {
            lock (_gate) return _state.CanRedo;
        }
    }

    /// <summary>Numbers of the images that are there, or may come back by <see cref="Undo"/> or <see cref="Redo"/>.</summary>
    internal HashSet<long> HeldIds()
    {
        lock (_writer)
        {
            lock (_gate) return _state.HeldIds();
        }
    }

    /// <summary>The classes of a session that nobody needs to open for that; empty where there is none, or where its images cannot be read.</summary>
    internal static IReadOnlyList<TuningSessionClass> ClassesOf(string folder) => SessionFolder.ClassesOf(folder);

    /// <summary>Opens a session, or begins one where there is none.</summary>
    /// <param name="folder">The session's folder; it is made if it does not exist.</param>
    /// <param name="model">An image classifier or feature extractor: the one that the session was begun with. The layers before the last are compiled once and
    /// never change.</param>
    /// <param name="decoder">Decodes images that are added or classified encoded; null for a program that has pixels only.</param>
    /// <param name="options">How to compute and train.</param>
    /// <returns>The session, which nobody else can open until it is disposed.</returns>
    /// <exception cref="DataException">
    /// The session is open elsewhere, damaged, of a later version, or was begun with another model or preprocessing; or the folder holds something else. The
    /// message says which, and what to do. Nothing is changed.
    /// </exception>
    /// <exception cref="OutputException">The folder cannot be written to.</exception>
    /// <exception cref="ThomasException">The model's last layer cannot be trained; the message says why.</exception>
    public static TuningSession Open(string folder, Model model, IImageDecoder? decoder = null, TuningSessionOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        options ??= new TuningSessionOptions();
        options.Validate();
        SessionFolder files = SessionFolder.Open(folder);
        try
        {
            return new TuningSession(model, decoder, options, files);
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The model that a session was begun with, so that a program can load it: <see cref="TuningSessionOptions.ModelFile"/>, or the model's name where that was
    /// not given.
    /// </summary>
    /// <param name="folder">The session's folder; the session may be open.</param>
    /// <returns>The file or name; null if there is no session in the folder.</returns>
    /// <exception cref="DataException">The session cannot be read, or is of a later version.</exception>
    public static string? ModelFileOf(string folder)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return SessionFolder.Describe(folder)?.Model;
    }

    /// <summary>Adds an image; a label that is new makes a class.</summary>
    /// <param name="label">Name of its class, in one line.</param>
    /// <param name="image">The pixels, for example a frame of a camera.</param>
    /// <returns>The image as it is listed. It is on the disk.</returns>
    /// <exception cref="DataException">The label cannot be one, or there are too many classes.</exception>
    /// <exception cref="OutputException">The disk is full or not writable: the image was not added, and the session can be used on.</exception>
    /// <exception cref="ThomasException">The network's numbers for the image are not finite.</exception>
    public TuningSessionItem Add(string label, RgbImage image) => Add(label, image, keep: null, forget: null);

    private TuningSessionItem Add(string label, RgbImage image, Action<long>? keep, Action<long>? forget)
    {
        CheckLabel(label, nameof(label));
        ArgumentNullException.ThrowIfNull(image);
        float[] features = FeaturesOf(image);
        lock (_writer)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            long id = _state.NextId;
            try
            {
                keep?.Invoke(id);
                DateTimeOffset now = DateTimeOffset.FromUnixTimeMilliseconds(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
                SessionImage added;
                lock (_gate) added = new SessionImage(id, ClassFor(label), now, features);
                Make(new SessionChange.Add(added));
                return new TuningSessionItem(id, label, added.Added);
            }
            catch when (forget is not null)
            {
                forget(id);
                throw;
            }
        }
    }

    /// <summary>Adds an encoded image (JPEG, PNG ...); a label that is new makes a class.</summary>
    /// <param name="label">Name of its class, in one line.</param>
    /// <param name="encoded">The whole encoded file.</param>
    /// <returns>The image as it is listed. It is on the disk.</returns>
    /// <exception cref="ImageFormatException">The image cannot be decoded.</exception>
    /// <exception cref="InvalidOperationException">The session was opened without a decoder.</exception>
    /// <exception cref="ThomasException">As <see cref="Add(string, RgbImage)"/>.</exception>
    public TuningSessionItem Add(string label, ReadOnlyMemory<byte> encoded)
    {
        CheckLabel(label, nameof(label));
        return Add(label, Decode(encoded, "the image"));
    }

    /// <summary>As the other, for a program that keeps the images too.</summary>
    /// <param name="label">Name of its class.</param>
    /// <param name="encoded">The whole encoded file.</param>
    /// <param name="keep">Keeps the image under the number that it will have; called before the image counts. If it throws, the image is not added.</param>
    /// <param name="forget">Called if it does not count after all, before another image can get its number.</param>
    internal TuningSessionItem Add(string label, ReadOnlyMemory<byte> encoded, Action<long> keep, Action<long> forget)
    {
        CheckLabel(label, nameof(label));
        return Add(label, Decode(encoded, "the image"), keep, forget);
    }

    /// <summary>Adds an image from a file; a label that is new makes a class.</summary>
    /// <param name="label">Name of its class, in one line.</param>
    /// <param name="path">The file, which is read now and not needed afterwards.</param>
    /// <returns>The image as it is listed. It is on the disk.</returns>
    /// <exception cref="ImageFormatException">The image cannot be decoded.</exception>
    /// <exception cref="InvalidOperationException">The session was opened without a decoder.</exception>
    /// <exception cref="ThomasException">The file cannot be read, or as <see cref="Add(string, RgbImage)"/>.</exception>
    public TuningSessionItem Add(string label, string path)
    {
        CheckLabel(label, nameof(label));
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Add(label, Decode(InputFile.Read(path, "image", ImageDecoderExtensions.MaximumEncodedBytes), $"'{path}'"));
    }

    /// <summary>Removes an image. With its last image a class is gone too.</summary>
    /// <param name="id">The image's <see cref="TuningSessionItem.Id"/>.</param>
    /// <exception cref="DataException">There is no such image.</exception>
    /// <exception cref="OutputException">As for <see cref="Add(string, RgbImage)"/>: nothing has changed.</exception>
    public void Remove(long id)
    {
        lock (_writer) Make(new SessionChange.Remove(ImageOf(id)));
    }

    /// <summary>Removes a class and all its images.</summary>
    /// <param name="label">Name of the class.</param>
    /// <exception cref="DataException">There is no such class.</exception>
    /// <exception cref="OutputException">As for <see cref="Add(string, RgbImage)"/>: nothing has changed.</exception>
    public void RemoveClass(string label)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        lock (_writer)
        {
            SessionClass removed = ClassOf(label);
            SessionChange change;
            lock (_gate) change = new SessionChange.RemoveClass(_state, removed);
            Make(change);
        }
    }

    /// <summary>Gives a class another name. A trained head goes on under that name; it need not be trained again.</summary>
    /// <param name="label">The class.</param>
    /// <param name="newLabel">Its new name, which no other class has.</param>
    /// <exception cref="DataException">There is no such class, or one of the new name; or that cannot be a name.</exception>
    /// <exception cref="OutputException">As for <see cref="Add(string, RgbImage)"/>: nothing has changed.</exception>
    public void Rename(string label, string newLabel)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label);
        CheckLabel(newLabel, nameof(newLabel));
        lock (_writer)
        {
            SessionClass renamed = ClassOf(label);
            if (label == newLabel) return;
            lock (_gate)
            {
                if (_state.FindClass(newLabel) is not null)
                {
                    throw new DataException($"There is already a class '{newLabel}'; to merge the two, relabel the images of '{label}' one by one.");
                }
            }

            Make(new SessionChange.Rename(renamed, newLabel));
        }
    }

    /// <summary>Puts an image into another class, which is made if there is none of the name.</summary>
    /// <param name="id">The image's <see cref="TuningSessionItem.Id"/>.</param>
    /// <param name="label">Name of the class, in one line.</param>
    /// <exception cref="DataException">There is no such image, or that cannot be a name.</exception>
    /// <exception cref="OutputException">As for <see cref="Add(string, RgbImage)"/>: nothing has changed.</exception>
    public void Relabel(long id, string label)
    {
        CheckLabel(label, nameof(label));
        lock (_writer)
        {
            SessionImage image = ImageOf(id);
            if (image.Class.Label == label) return;
            SessionClass to;
            lock (_gate) to = ClassFor(label);
            Make(new SessionChange.Relabel(image, to));
        }
    }

    /// <summary>Takes back the last change of images or classes: one image added, removed or relabeled, one class removed or renamed.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="OutputException">As for <see cref="Add(string, RgbImage)"/>: nothing has changed.</exception>
    public bool Undo()
    {
        lock (_writer) return CanUndo && Write(SessionRecord.Undo, _state.Undo);
    }

    /// <summary>Makes the change again that was undone last; any new change forgets it.</summary>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="OutputException">As for <see cref="Add(string, RgbImage)"/>: nothing has changed.</exception>
    public bool Redo()
    {
        lock (_writer) return CanRedo && Write(SessionRecord.Redo, _state.Redo);
    }

    /// <summary>
    /// Closes the session, for others to open. Waits for the change under way; a training under way ends with an <see cref="ObjectDisposedException"/>, as do
    /// later calls.
    /// </summary>
    public void Dispose()
    {
        lock (_writer)
        {
            if (_disposed) return;
            _disposed = true;
            _files.Dispose();
        }

        _end.Cancel();
        _backbone.Dispose();
    }

    private static void CheckLabel(string label, string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(label, name);
        if (SessionLabel.Problem(label) is string problem) throw new DataException(problem);
    }

    /// <summary>Writes a change to the disk, then makes it. The caller is the only writer.</summary>
    private void Make(SessionChange change) => Write(change.ToRecord(), () => _state.Do(change));

    private bool Write(byte[] record, Action apply)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        _files.Log.Append(record);
        lock (_gate)
        {
            apply();
            _items = null;
            FollowNames();
        }

        return true;
    }

    private SessionImage ImageOf(long id)
    {
        lock (_gate) return _state.Find(id) ?? throw new DataException($"There is no image {id} in the session; it may have been removed.");
    }

    private SessionClass ClassOf(string label)
    {
        lock (_gate) return _state.FindClass(label) ?? throw new DataException($"There is no class '{label}' in the session; {DescribeClasses()}.");
    }

    /// <summary>The class of a name, or a new one that is not listed before it has an image.</summary>
    private SessionClass ClassFor(string label)
    {
        if (_state.FindClass(label) is SessionClass known) return known;
        if (_state.Classes.Count == SessionState.MaximumClasses)
        {
            throw new DataException($"The session is full: it already has {SessionState.MaximumClasses} classes, the most that are possible.");
        }

        return new SessionClass(_state.NextClass, label);
    }
}
