using System;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Maui.ApplicationModel.DataTransfer;
using Microsoft.Maui.Controls;
using Microsoft.Maui.Media;
using Microsoft.Maui.Storage;

namespace Thomas.Personalise.App;

/// <summary>Teaches by the phone's camera and pictures, and asks what it sees.</summary>
public sealed class MainPage : ContentPage
{
    private const string ModelName = "model.tflite", ExportName = "personalised.tflite";

    private readonly Entry _label = new() { Placeholder = "What does it show?" };
    private readonly Label _classes = new(), _status = new(), _answer = new() { FontSize = 24 }, _problem = new();
    private readonly Button _add, _pick, _ask, _undo, _share;
    private Personaliser? _taught;

    /// <summary>Makes the page.</summary>
    public MainPage()
    {
        Title = "Personalise";
        _add = Make("Take a picture of it", async taught => await Take(picture => taught.AddAsync(_label.Text, picture)));
        _pick = Make("Choose pictures of it", async taught =>
        {
            foreach (FileResult file in await MediaPicker.Default.PickPhotosAsync())
                await taught.AddAsync(_label.Text, await Read(file));
        });
        _ask = Make("What is this?", async taught => await Take(taught.AskAsync));
        _undo = Make("Undo", static taught => taught.UndoAsync());
        _share = Make("Share the model", ShareModel);
        _label.TextChanged += (_, _) => Show();
        Content = new ScrollView
        {
            Content = new VerticalStackLayout
            {
                Padding = 20,
                Spacing = 12,
                Children = { _label, _add, _pick, _classes, _status, _ask, _answer, _undo, _share, _problem },
            },
        };
        Show();
    }

    /// <inheritdoc/>
    protected override async void OnAppearing()
    {
        base.OnAppearing();
        if (_taught is not null) return;
        try
        {
            string model = Path.Combine(FileSystem.Current.AppDataDirectory, ModelName);
            if (!File.Exists(model)) await Copy(ModelName, model);
            _taught = await Personaliser.OpenAsync(FileSystem.Current.AppDataDirectory, model);
            _taught.PropertyChanged += (_, _) => Show();
        }
        catch (ThomasException e)
        {
            _problem.Text = e.Message;
        }

        Show();
    }

    /// <summary>A file of the package as a file of the app, whole or not at all.</summary>
    private static async Task Copy(string asset, string path)
    {
        string part = path + ".part";
        using (Stream from = await FileSystem.Current.OpenAppPackageFileAsync(asset))
        using (FileStream to = File.Create(part))
            await from.CopyToAsync(to);
        File.Move(part, path, overwrite: true);
    }

    private static async Task<byte[]> Read(FileResult file)
    {
        using Stream stream = await file.OpenReadAsync();
        using MemoryStream all = new();
        await stream.CopyToAsync(all);
        return all.ToArray();
    }

    private static async Task Take(Func<byte[], Task> use)
    {
        FileResult? photo = await MediaPicker.Default.CapturePhotoAsync();
        if (photo is not null) await use(await Read(photo));
    }

    private static async Task ShareModel(Personaliser taught)
    {
        string path = Path.Combine(FileSystem.Current.CacheDirectory, ExportName);
        if (!await taught.ExportAsync(path)) return;
        await Share.Default.RequestAsync(new ShareFileRequest(new ShareFile(path)) { Title = ExportName });
    }

    private Button Make(string text, Func<Personaliser, Task> act)
    {
        Button button = new() { Text = text };
        button.Clicked += async (_, _) =>
        {
            try
            {
                if (_taught is not null) await act(_taught);
            }
            catch (Exception e)
            {
                // The camera was refused, a picture is gone: the user may try again.
                _problem.Text = e.Message;
            }
        };
        return button;
    }

    private void Show()
    {
        bool isReady = _taught is { IsBusy: false }, hasLabel = !string.IsNullOrWhiteSpace(_label.Text);
        _add.IsEnabled = _pick.IsEnabled = isReady && hasLabel;
        _ask.IsEnabled = _share.IsEnabled = isReady && _taught!.IsTrained;
        _undo.IsEnabled = isReady && _taught!.CanUndo;
        if (_taught is null) return;
        _classes.Text = string.Join(", ", _taught.Classes.Select(static known => $"{known.Label}: {known.Images}"));
        _status.Text = _taught.Status;
        _answer.Text = string.Join('\n', _taught.Answer.Select(static score => $"{score.Label} {score.Probability:P0}"));
        _problem.Text = _taught.Problem ?? "";
    }
}
