using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Maui.ApplicationModel.DataTransfer;
using Microsoft.Maui.Controls;
using Microsoft.Maui.Media;
using Microsoft.Maui.Storage;
using Thomas.Architectures;
using Thomas.Imaging;
using Thomas.Personalise;
using Thomas.Personalise.App;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Tests.Studio;
using Thomas.Tests.Training;
using Xunit;

namespace Thomas.Tests.Samples;

/// <summary>samples/Personalise: what the app's page shows, and the page itself on stand-ins for MAUI.</summary>
public sealed class PersonaliseTests
{
    [Fact]
    public async Task It_learns_picture_by_picture_and_goes_on_at_the_next_start()
    {
        using TemporaryFolder folder = new();
        string model = SaveModel(folder);
        using (Personaliser first = await Open(folder, model))
        {
            Assert.Contains("two classes", first.Status, StringComparison.Ordinal);
            await first.AskAsync(Picture(0, 1));
            Assert.Contains("not trained", first.Problem, StringComparison.Ordinal);
            for (ulong i = 0; i < 6; i++)
            {
                for (int color = 0; color < 2; color++) await first.AddAsync(SessionJob.Colors[color], Picture(color, (2 * i) + (ulong)color));
            }

            Assert.Null(first.Problem);
            Assert.Contains("12 pictures; of 2", first.Status, StringComparison.Ordinal);
            await first.AddAsync("nothing", [1, 2, 3]);
            Assert.NotNull(first.Problem);
            Assert.Equal(2, first.Classes.Count);
            await first.AddAsync("mistake", Picture(1, 50));
            Assert.Equal(3, first.Classes.Count);
            Assert.True(first.CanUndo);
            await first.UndoAsync();
            Assert.Equal(["red", "green"], first.Classes.Select(known => known.Label));
        }

        List<string?> told = [];
        using Personaliser again = await Open(folder, model);
        again.PropertyChanged += (_, change) => told.Add(change.PropertyName);
        Assert.True(again.IsTrained);
        byte[] picture = Picture(1, 99);
        await again.AskAsync(picture);
        Assert.Equal("green", again.Answer[0].Label);
        Assert.Contains(nameof(Personaliser.Answer), told);
        Assert.False(again.IsBusy);
        Assert.False(await again.ExportAsync(folder["no", "such", "folder", "x.tflite"]));
        Assert.True(await again.ExportAsync(folder["mine.tflite"]));
        using ImageClassifier classifier = new(Model.Load(folder["mine.tflite"]));
        Assert.Equal(again.Answer[0].Probability, classifier.Classify(ImageDecoders.Best(), picture, 1)[0].Probability, 1e-5f);
    }

    [Fact]
    public async Task A_session_of_another_model_is_refused_in_words_for_the_user()
    {
        using TemporaryFolder folder = new();
        using (await Open(folder, SaveModel(folder)))
        {
        }

        Preprocessing gray = Preprocessing.Preset("unit", 28, 28) with { ColorOrder = ColorOrder.Gray };
        Model other = new(LeNet5.Architecture.Build(new ArchitectureOptions { Classes = 3, Seed = 1 }), new ModelInfo { Name = "other", Preprocessing = gray });
        other.Save(folder["other.onnx"]);
        DataException refused = await Assert.ThrowsAsync<DataException>(() => Open(folder, folder["other.onnx"]));
        Assert.Contains("model", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_teaches_asks_and_shares()
    {
        using TemporaryFolder folder = new();
        (FileSystem.Current.AppDataDirectory, FileSystem.Current.CacheDirectory) = (folder.Path, folder.Path);
        FileSystem.Current.Asset = await File.ReadAllBytesAsync(SaveModel(folder), TestContext.Current.CancellationToken);
        Application app = (Application)Activator.CreateInstance(new MainApplication(0, default).Start().App!)!;
        ContentPage page = (ContentPage)app.Open().Page;
        IList<View> views = ((VerticalStackLayout)((ScrollView)page.Content!).Content!).Children;
        Entry label = views.OfType<Entry>().Single();
        Assert.All(views.OfType<Button>(), button => Assert.False(button.IsEnabled));
        page.Appear();
        await Until(() => Says("two classes"));
        for (int color = 0; color < 2; color++)
        {
            label.Text = SessionJob.Colors[color];
            Show(Picture(color, (ulong)color));
            await Press("Take a picture");
            Show([.. Enumerable.Range(0, 5).Select(i => Picture(color, (ulong)(10 + (2 * i) + color)))]);
            await Press("Choose pictures");
            await Until(() => Says($"{SessionJob.Colors[color]}: 6"));
        }

        await Until(() => Says("12 pictures; of 2"));
        Show(Picture(1, 99));
        await Press("What is this?");
        await Until(() => views.OfType<Label>().Any(shown => shown.Text.StartsWith("green ", StringComparison.Ordinal)));
        await Press("Undo");
        await Until(() => Says("green: 5"));
        await Press("Share");
        await Until(() => Share.Default.Last is not null);
        Assert.Equal(2, Model.Load(Share.Default.Last!.File.FullPath).Info.Labels!.Count);
        label.Text = " ";
        Assert.False(views.OfType<Button>().First().IsEnabled);

        bool Says(string words) => views.OfType<Label>().Any(shown => shown.Text.Contains(words, StringComparison.Ordinal));

        async Task Press(string beginning)
        {
            Button button = views.OfType<Button>().Single(button => button.Text.StartsWith(beginning, StringComparison.Ordinal));
            await Until(() => button.IsEnabled);
            button.Press();
        }

        static void Show(params byte[][] pictures)
        {
            MediaPicker.Default.Next.Clear();
            MediaPicker.Default.Next.AddRange(pictures);
        }
    }

    private static Task<Personaliser> Open(TemporaryFolder folder, string model) => Personaliser.OpenAsync(folder.Path, model, SessionJob.Options);

    private static string SaveModel(TemporaryFolder folder)
    {
        TinyModels.Create(TinyModels.HeadStyle.DenseSoftmax).Save(folder["tiny.onnx"]);
        return folder["tiny.onnx"];
    }

    private static byte[] Picture(int color, ulong seed) => StudioFixture.Picture(color, seed);

    private static async Task Until(Func<bool> wanted)
    {
        DateTime end = DateTime.UtcNow.AddSeconds(30);
        while (!wanted())
        {
            Assert.True(DateTime.UtcNow < end);
            await Task.Delay(10);
        }
    }
}
