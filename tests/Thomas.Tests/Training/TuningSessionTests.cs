using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Graphs;
using Thomas.Ops;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TuningSessionTests
{
    [Theory]
    [InlineData(nameof(TinyModels.HeadStyle.DenseSoftmax))]
    [InlineData(nameof(TinyModels.HeadStyle.ConvolutionThenPooling))]
    [InlineData(nameof(TinyModels.HeadStyle.Flatten))]
    [InlineData(nameof(TinyModels.HeadStyle.WithoutBatchAxis))]
    [InlineData(nameof(TinyModels.HeadStyle.Features))]
    public void It_learns_what_it_is_shown_and_saves_an_ordinary_model(string style)
    {
        using TemporaryFolder folder = new();
        using TuningSession session = TuningSession.Open(
            folder["session"], SessionJob.Model(Enum.Parse<TinyModels.HeadStyle>(style)), options: SessionJob.Options);
        SessionJob.Fill(session, 10);
        TuningSessionReport report = session.Train();
        Assert.Equal(SessionJob.Colors, report.Labels);
        Assert.Equal((30, 6), (report.Images, report.After!.Total));
        Assert.Equal(1, report.After.Accuracy);
        Assert.Equal(6, report.Before!.Total);
        Assert.Empty(report.Warnings);
        Assert.Contains("6 of 30 images", report.Checked, StringComparison.Ordinal);

        session.ToModel().Save(folder["saved.onnx"]);
        using ImageClassifier classifier = new(Model.Load(folder["saved.onnx"]), options: SessionJob.Options.Compile);
        using ImageClassifier logits = new(session.ToModel(logits: true), options: SessionJob.Options.Compile);
        Assert.Equal(SessionJob.Colors, classifier.Labels);
        Rng rng = new(9);
        for (int i = 0; i < 9; i++)
        {
            RgbImage image = SessionJob.Image(i % 3, rng);
            IReadOnlyList<ClassScore> live = session.Classify(image), saved = classifier.Classify(image), scores = logits.Classify(image);
            Assert.Equal(SessionJob.Colors[i % 3], live[0].Label);
            Assert.Equal(saved.Select(score => score.Index), live.Select(score => score.Index));
            for (int c = 0; c < 3; c++)
            {
                Assert.Equal(saved[c].Probability, live[c].Probability, 1e-5f);
                Assert.Equal(scores[c].Score, live[c].Score, 1e-3f);
            }
        }

        Assert.Single(session.Classify(SessionJob.Image(0, rng), top: 1));
    }

    [Fact]
    public void Classes_are_made_by_their_first_image_and_go_with_their_last()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        Assert.Empty(session.Classes);
        DateTimeOffset before = DateTimeOffset.UtcNow.AddMilliseconds(-1);
        TuningSessionItem first = session.Add("red", SessionJob.Image("red", 1));
        Assert.Equal((1, "red"), (first.Id, first.Label));
        Assert.InRange(first.Added, before, DateTimeOffset.UtcNow);
        session.Add("green", SessionJob.Image("green", 2));
        session.Add("red", SessionJob.Image("red", 3));
        Assert.Equal([new("red", 2), new("green", 1)], session.Classes);
        Assert.Equal([(1L, "red"), (2, "green"), (3, "red")], SessionJob.Listed(session));

        session.Remove(1);
        session.Relabel(3, "blue");
        Assert.Equal([new("green", 1), new("blue", 1)], session.Classes);
        session.Add("red", SessionJob.Image("red", 4));
        session.Rename("green", "grass");
        Assert.Equal([(2L, "grass"), (3, "blue"), (4, "red")], SessionJob.Listed(session));
        session.RemoveClass("blue");
        Assert.Equal([new("grass", 1), new("red", 1)], session.Classes);
        Assert.Equal(5, session.Add("red", SessionJob.Image("red", 5)).Id);
    }

    [Fact]
    public void With_fewer_than_two_classes_it_says_what_is_there()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        Assert.Contains("there are no images", session.TrainingProblem!, StringComparison.Ordinal);
        session.Add("red", SessionJob.Image("red", 1));
        session.Add("red", SessionJob.Image("red", 2));
        Assert.Contains("2 of 'red'", session.TrainingProblem!, StringComparison.Ordinal);
        Assert.Equal(session.TrainingProblem, Assert.Throws<DataException>(() => session.Train()).Message);
        Assert.Contains("not trained yet", Assert.Throws<DataException>(() => session.Classify(SessionJob.Image("red", 3))).Message, StringComparison.Ordinal);
        Assert.Throws<DataException>(() => session.ToModel());
        Assert.False(session.IsTrained);
        Assert.False(session.IsStale);
        Assert.Null(session.LastTraining);

        session.Add("green", SessionJob.Image("green", 1));
        Assert.Null(session.TrainingProblem);
        TuningSessionReport report = session.Train();
        Assert.Null(report.Before);
        Assert.Null(report.After);
        Assert.StartsWith("nothing", report.Checked, StringComparison.Ordinal);
        Assert.Equal("green", session.Classify(SessionJob.Image("green", 4))[0].Label);
    }

    [Fact]
    public void Small_classes_are_not_checked_and_that_is_said()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, TuningSession.ImagesToCheck, 2);
        for (ulong i = 0; i < TuningSession.ImagesToCheck - 1; i++) session.Add("blue", SessionJob.Image("blue", i));
        TuningSessionReport report = session.Train();
        Assert.Equal([1, 1, 0], Enumerable.Range(0, 3).Select(report.After!.Support));
        Assert.Contains("'blue'", Assert.Single(report.Warnings), StringComparison.Ordinal);

        session.Add("Blue", SessionJob.Image("blue", 50));
        Assert.Contains(session.Train().Warnings, warning => warning.Contains("'blue' and 'Blue'", StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_is_set_aside_where_that_is_not_wanted_and_the_head_is_the_same()
    {
        using TemporaryFolder first = new(), second = new();
        using TuningSession with = SessionJob.Open(first), without = SessionJob.Open(second, SessionJob.Options with { CheckShare = 0 });
        SessionJob.Fill(with, 10);
        SessionJob.Fill(without, 10);
        Assert.NotNull(with.Train().After);
        Assert.Null(without.Train().After);
        Assert.Equal(SessionJob.HeadBits(with), SessionJob.HeadBits(without));
    }

    [Fact]
    public void Staleness_follows_the_images()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 3);
        session.Train();
        Assert.False(session.IsStale);
        session.Remove(4);
        Assert.True(session.IsStale);
        Assert.True(session.Undo());
        Assert.False(session.IsStale);
        session.Relabel(1, "green");
        Assert.True(session.IsStale);
        session.Relabel(1, "red");
        Assert.False(session.IsStale);
        session.Rename("red", "rose");
        Assert.False(session.IsStale);
        session.Add("violet", SessionJob.Image("blue", 7));
        Assert.True(session.IsStale);
        session.Train();
        Assert.False(session.IsStale);
        Assert.Equal(["rose", "green", "blue", "violet"], session.LastTraining!.Labels);
    }

    [Fact]
    public void A_trained_head_follows_the_names_of_its_classes()
    {
        using TemporaryFolder folder = new();
        RgbImage image = SessionJob.Image("red", 100);
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 5);
            session.Train();
            byte[] bits = SessionJob.HeadBits(session);
            session.Rename("red", "rose");
            Assert.Equal("rose", session.Classify(image)[0].Label);
            Assert.Equal(["rose", "green", "blue"], session.ToModel().Info.Labels);
            session.Undo();
            Assert.Equal("red", session.Classify(image)[0].Label);
            session.Redo();
            Assert.Equal("rose", session.Classify(image)[0].Label);
            Assert.Equal(bits, SessionJob.HeadBits(session));
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.Equal("rose", again.Classify(image)[0].Label);
        again.RemoveClass("rose");
        Assert.Equal("rose", again.Classify(image)[0].Label);
        Assert.True(again.IsStale);
    }

    [Fact]
    public void A_restart_changes_nothing()
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<TuningSessionItem> items;
        byte[] bits;
        TuningSessionReport report;
        RgbImage image = SessionJob.Image("green", 100);
        IReadOnlyList<ClassScore> scores;
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 6);
            report = session.Train();
            (items, bits, scores) = (session.Items, SessionJob.HeadBits(session), session.Classify(image));
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.Empty(again.Notices);
        Assert.Equal(items, again.Items);
        Assert.True(again.IsTrained);
        Assert.False(again.IsStale);
        Assert.Equal(bits, SessionJob.HeadBits(again));
        Assert.Equal(scores, again.Classify(image));
        TuningSessionReport last = again.LastTraining!;
        Assert.Equal(
            (report.Images, report.Checked, report.After!.Accuracy, report.Before!.Accuracy),
            (last.Images, last.Checked, last.After!.Accuracy, last.Before!.Accuracy));
        Assert.Equal(report.Labels, last.Labels);
        again.Train();
        Assert.Equal(bits, SessionJob.HeadBits(again));
    }

    [Fact]
    public void The_same_images_and_seed_give_the_same_bits_however_often_it_was_closed()
    {
        byte[] whole;
        using (TemporaryFolder folder = new())
        {
            using TuningSession session = SessionJob.Open(folder);
            SessionJob.Fill(session, 6);
            session.Train();
            whole = SessionJob.HeadBits(session);
        }

        using TemporaryFolder pieces = new();
        Rng rng = new(1);
        for (int i = 0; i < 18; i++)
        {
            using TuningSession session = SessionJob.Open(pieces, SessionJob.Options with { CompactAbove = i % 2 == 0 ? 0 : 1 << 20 });
            session.Add(SessionJob.Colors[i % 3], SessionJob.Image(i % 3, rng));
            if (i % 4 == 3)
            {
                session.Remove(session.Items[0].Id);
                session.Train();
                session.Undo();
            }
        }

        using (TuningSession session = SessionJob.Open(pieces))
        {
            session.Train();
            Assert.Equal(whole, SessionJob.HeadBits(session));
        }

        using TuningSession other = SessionJob.Open(pieces, SessionJob.Options with { Head = SessionJob.Options.Head with { Seed = 2 } });
        other.Train();
        Assert.NotEqual(whole, SessionJob.HeadBits(other));
    }

    [Fact]
    public void A_training_that_is_cancelled_leaves_the_former_head()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 6);
        List<StageProgress> told = [];
        session.Train(new Relay<StageProgress>(told.Add));
        Assert.Equal(
            [.. Enumerable.Range(1, 20).Select(epoch => new StageProgress("check", epoch, 20)), .. Enumerable.Range(1, 20)
                .Select(epoch => new StageProgress("train", epoch, 20))], told);
        byte[] bits = SessionJob.HeadBits(session);
        session.Add("red", SessionJob.Image("red", 50));
        foreach (string stage in (string[])["check", "train"])
        {
            using CancellationTokenSource cancellation = new();
            Relay<StageProgress> stop = new(p =>
            {
                if (p.Stage == stage && p.Done == 3) cancellation.Cancel();
            });
            Assert.Equal(cancellation.Token, Assert.Throws<OperationCanceledException>(() => session.Train(stop, cancellation.Token)).CancellationToken);
            Assert.True(session.IsStale);
            Assert.Equal(bits, SessionJob.HeadBits(session));
        }
    }

    [Fact]
    public async Task A_cancelled_task_is_cancelled()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 3);
        using CancellationTokenSource cancellation = new();
        Task<TuningSessionReport> training = session.TrainAsync(new Relay<StageProgress>(_ => cancellation.Cancel()), cancellation.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => training);
        Assert.True(training.IsCanceled);
        Assert.Equal(9, (await session.TrainAsync(cancellation: TestContext.Current.CancellationToken)).Images);
    }

    [Fact]
    public void Disposal_ends_a_training_and_all_else()
    {
        using TemporaryFolder folder = new();
        TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 3);
        session.Train();
        Assert.Throws<ObjectDisposedException>(() => session.Train(new Relay<StageProgress>(_ => session.Dispose())));
        Assert.Throws<ObjectDisposedException>(() => session.Train());
        Assert.Throws<ObjectDisposedException>(() => session.Add("red", SessionJob.Image("red", 1)));
        Assert.Throws<ObjectDisposedException>(() => session.Remove(1));
        Assert.Throws<ObjectDisposedException>(() => session.Undo());
        Assert.Throws<ObjectDisposedException>(() => session.Classify(SessionJob.Image("red", 1)));
        Assert.Throws<ObjectDisposedException>(() => session.ToModel());
        session.Dispose();
        using TuningSession again = SessionJob.Open(folder);
        Assert.Equal(9, again.Items.Count);
    }

    [Fact]
    public void Images_come_from_files_and_memory()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["red.txt"], "red 1");
        using TuningSession session = SessionJob.Open(folder, decoder: new SessionJob.TextDecoder());
        session.Add("red", folder["red.txt"]);
        session.Add("green", Encoding.UTF8.GetBytes("green 2"));
        Assert.Throws<ImageFormatException>(() => session.Add("green", "blue"u8.ToArray()));
        Assert.Contains("no such file", Assert.Throws<ThomasException>(() => session.Add("green", folder["missing.txt"])).Message, StringComparison.Ordinal);
        Assert.Equal(2, session.Items.Count);
        session.Train();
        Assert.Equal("green", session.Classify(Encoding.UTF8.GetBytes("green 5"))[0].Label);

        using TemporaryFolder other = new();
        using TuningSession pixels = SessionJob.Open(other);
        Assert.Throws<InvalidOperationException>(() => pixels.Add("red", folder["red.txt"]));
    }

    [Fact]
    public void What_cannot_be_is_refused_and_changes_nothing()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 1, 2);
        RgbImage image = SessionJob.Image("red", 1);
        Assert.Throws<ArgumentException>(() => session.Add(" ", image));
        Assert.Throws<DataException>(() => session.Add("two\nlines", image));
        Assert.Throws<DataException>(() => session.Add(new string('x', 2000), image));
        Assert.Contains("no image 7", Assert.Throws<DataException>(() => session.Remove(7)).Message, StringComparison.Ordinal);
        Assert.Throws<DataException>(() => session.Relabel(7, "red"));
        Assert.Contains("1 of 'red', 1 of 'green'", Assert.Throws<DataException>(() => session.RemoveClass("blue")).Message, StringComparison.Ordinal);
        Assert.Contains("already a class 'green'", Assert.Throws<DataException>(() => session.Rename("red", "green")).Message, StringComparison.Ordinal);
        session.Rename("red", "red");
        session.Relabel(1, "red");
        Assert.Equal([(1L, "red"), (2, "green")], SessionJob.Listed(session));
        session.Undo();
        Assert.Single(session.Items);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => TuningSession.Open(folder["other"], SessionJob.Model(), options: SessionJob.Options with { CheckShare = 1 }));
    }

    [Fact]
    public void An_image_on_which_the_network_overflows_is_refused()
    {
        // The sum over all pixels is finite for noise, and for white it is not.
        const int Pixels = TinyModels.Side * TinyModels.Side;
        GraphBuilder b = new();
        Value x = b.Input("image", new TensorType(DType.F32, new Shape(1, TinyModels.Side, TinyModels.Side, 3)));
        x = b.Add(OpCatalog.Multiply, [x, b.Constant("large", TensorData.FromFloats(new Shape(), [float.MaxValue / (Pixels * 200)]))], null, "scaled");
        x = b.Add(OpCatalog.Reduce, [x], new ReduceAttributes(ReduceKind.Sum, new IntList(1, 2), false), "sum");
        x = b.Add(OpCatalog.Dense, [x, b.Weights("fc.weight", 7, 2, 3)], new DenseAttributes(), "fc");
        Model model = new(b.Build(x), new ModelInfo
        {
            Name = "overflows",
            Preprocessing = Preprocessing.Preset("raw", TinyModels.Side, TinyModels.Side) with { CropMargin = 1 },
        });
        byte[] white = new byte[Pixels * 3];
        white.AsSpan().Fill(255);
        using TemporaryFolder folder = new();
        using TuningSession session = TuningSession.Open(folder["session"], model);
        session.Add("black", new RgbImage(TinyModels.Side, TinyModels.Side, new byte[Pixels * 3]));
        ThomasException error = Assert.Throws<ThomasException>(() => session.Add("white", new RgbImage(TinyModels.Side, TinyModels.Side, white)));
        Assert.Contains("not finite", error.Message, StringComparison.Ordinal);
        Assert.Equal([(1L, "black")], SessionJob.Listed(session));
    }
}
