using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.IO;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Imaging;
using Thomas.Training;

namespace Thomas.Personalise;

/// <summary>
/// What a page of an app shows while its user teaches a model: a view model around <see cref="TuningSession"/>. Call it from the thread of the window; the work
/// is done on other threads, one piece after the other, and changes are told on the thread that asked for them.
/// </summary>
/// <remarks>All that is taught is on the disk when a task has ended, so there is nothing to save: the next <see cref="OpenAsync"/> goes on where this one
/// ended, also after the app was killed.</remarks>
public sealed class Personaliser : INotifyPropertyChanged, IDisposable
{
    private const string Session = "session";

    private static readonly string[] Changing =
        [nameof(Classes), nameof(CanUndo), nameof(IsTrained), nameof(Status), nameof(Problem), nameof(Answer), nameof(IsBusy)];

    private readonly TuningSession _session;
    private readonly SemaphoreSlim _turn = new(1);
    private int _waiting;

    private Personaliser(TuningSession session)
    {
        _session = session;
        foreach (string notice in session.Notices) Problem = notice;
    }

    /// <inheritdoc/>
    public event PropertyChangedEventHandler? PropertyChanged;

    /// <summary>The classes and how many pictures each has.</summary>
    public IReadOnlyList<TuningSessionClass> Classes => _session.Classes;

    /// <summary>Whether something is being done.</summary>
    public bool IsBusy => _waiting > 0;

    /// <summary>Whether the last change can be taken back.</summary>
    public bool CanUndo => _session.CanUndo;

    /// <summary>Whether it can tell classes apart by now.</summary>
    public bool IsTrained => _session.IsTrained;

    /// <summary>What it knows, in a sentence.</summary>
    public string Status
    {
        get
        {
            if (!_session.IsTrained) return _session.TrainingProblem ?? "It has not learned yet.";
            TuningSessionReport report = _session.LastTraining!;
            string learned = $"It has learned {report.Images} pictures";
            return report.After is { Total: > 0 } after
                ? $"{learned}; of {after.Total} that were set aside it got {after.Accuracy:P0} right."
                : $"{learned}. With {TuningSession.ImagesToCheck} of a class it can tell how good it is.";
        }
    }

    /// <summary>What went wrong last, in words for the user; null if nothing did.</summary>
    public string? Problem { get; private set; }

    /// <summary>What it said of the last picture, the most likely class first.</summary>
    public IReadOnlyList<ClassScore> Answer { get; private set; } = [];

    /// <summary>Opens what was taught before, or begins anew.</summary>
    /// <param name="folder">A folder of the app for this purpose.</param>
    /// <param name="model">The model's file.</param>
    /// <param name="options">How to train and compute; null for the usual.</param>
    /// <exception cref="ThomasException">The model cannot be taught, or the folder belongs to another one; the message is for the user.</exception>
    public static Task<Personaliser> OpenAsync(string folder, string model, TuningSessionOptions? options = null) => Task.Run(() =>
    {
        options = (options ?? new TuningSessionOptions()) with { ModelFile = Path.GetFileName(model) };
        return new Personaliser(TuningSession.Open(Path.Combine(folder, Session), Model.Load(model), ImageDecoders.Best(), options));
    });

    /// <summary>Adds a picture to a class, which is made if it is new, and learns it.</summary>
    /// <param name="label">Name of the class.</param>
    /// <param name="picture">The encoded picture, as the camera or a file gives it.</param>
    public Task AddAsync(string label, byte[] picture)
    {
        ArgumentNullException.ThrowIfNull(label);
        ArgumentNullException.ThrowIfNull(picture);
        return Do(() =>
        {
            _session.Add(label.Trim(), picture);
            Learn();
        });
    }

    /// <summary>Takes the last change back, and learns without it.</summary>
    public Task UndoAsync() => Do(() =>
    {
        if (_session.Undo()) Learn();
    });

    /// <summary>Asks what a picture shows: see <see cref="Answer"/>.</summary>
    public Task AskAsync(byte[] picture)
    {
        ArgumentNullException.ThrowIfNull(picture);
        return Do(() => Answer = _session.Classify(picture, top: 3));
    }

    /// <summary>Writes what it has learned as an ordinary model.</summary>
    /// <param name="path">A file that ends in <c>.tflite</c> or <c>.onnx</c>.</param>
    /// <returns>Whether it was written; else <see cref="Problem"/> says why not.</returns>
    public Task<bool> ExportAsync(string path) => Do(() => _session.ToModel().Save(path));

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _turn.Dispose();
    }

    // The last layer is trained in milliseconds, so there is no button for it.
    private void Learn()
    {
        if (_session.TrainingProblem is null) _session.Train();
    }

    private async Task<bool> Do(Action work)
    {
        _waiting++;
        Tell(nameof(IsBusy));
        await _turn.WaitAsync();
        try
        {
            Problem = null;
            await Task.Run(work);
            return true;
        }
        catch (ThomasException e)
        {
            // Pictures that cannot be read, a full disk, a name that cannot be one: the session is as it was.
            Problem = e.Message;
            return false;
        }
        finally
        {
            _turn.Release();
            _waiting--;
            foreach (string changed in Changing) Tell(changed);
        }
    }

    private void Tell([CallerMemberName] string property = "") => PropertyChanged?.Invoke(this, new PropertyChangedEventArgs(property));
}
