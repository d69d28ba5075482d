using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Thomas.Data;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

public sealed class TuningSessionThreadTests
{
    private const int Adders = 2, Added = 60;

    [Fact]
    public async Task Adding_training_undoing_and_classifying_at_once_leave_what_was_asked_for()
    {
        using TemporaryFolder folder = new();
        ConcurrentDictionary<long, string> added = [];
        IReadOnlyList<(long, string)> listed;
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 3);
            session.Train();
            int adding = Adders;
            Task[] adders = [.. Enumerable.Range(0, Adders).Select(thread => Task.Run(() =>
            {
                Rng rng = new((ulong)thread);
                for (int i = 0; i < Added; i++)
                {
                    int color = rng.Next(3);
                    TuningSessionItem item = session.Add(SessionJob.Colors[color], SessionJob.Image(color, rng));
                    Assert.True(added.TryAdd(item.Id, item.Label));
                }

                Interlocked.Decrement(ref adding);
            }))];
            Task trainer = Task.Run(() =>
            {
                int images = 0;
                do
                {
                    TuningSessionReport report = session.Train();
                    Assert.InRange(report.Images, images, 9 + (Adders * Added));
                    images = report.Images;
                }
                while (Volatile.Read(ref adding) > 0);
            });
            Task renamer = Task.Run(() =>
            {
                while (Volatile.Read(ref adding) > 0)
                {
                    foreach (TuningSessionClass @class in session.Classes) Assert.InRange(@class.Images, 1, 9 + (Adders * Added));
                    Assert.True(session.Items.Count >= 9);
                    _ = session.IsStale;
                }
            });
            Task[] classifiers = [.. Enumerable.Range(0, 2).Select(thread => Task.Run(() =>
            {
                Rng rng = new((ulong)(100 + thread));
                do
                {
                    IReadOnlyList<ClassScore> scores = session.Classify(SessionJob.Image(rng.Next(3), rng));
                    Assert.Equal(SessionJob.Colors.Order(), scores.Select(score => score.Label).Order());
                    Assert.Equal(1, scores.Sum(score => score.Probability), 1e-5);
                }
                while (Volatile.Read(ref adding) > 0);
            }))];
            await Task.WhenAll([.. adders, trainer, renamer, .. classifiers]);
            Assert.Equal(Adders * Added, added.Count);
            Assert.Equal(9 + (Adders * Added), session.Items.Count);
            foreach (TuningSessionItem item in session.Items.Skip(9)) Assert.Equal(added[item.Id], item.Label);
            session.Train();
            Assert.False(session.IsStale);
            listed = SessionJob.Listed(session);
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.Equal(listed, SessionJob.Listed(again));
        Assert.False(again.IsStale);
    }

    /// <summary>
    /// A frame has the same scores whether others are computed beside it or not, and the features of an added image do not depend on it either.
    /// </summary>
    [Fact]
    public async Task Images_added_side_by_side_give_the_features_that_they_give_alone()
    {
        using TemporaryFolder first = new(), second = new();
        using TuningSession alone = SessionJob.Open(first), together = SessionJob.Open(second);
        SessionJob.Fill(alone, 4);
        SessionJob.Fill(together, 4);
        alone.Train();
        together.Train();
        Task[] busy = [.. Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            Rng rng = new(7);
            for (int i = 0; i < 50; i++)
            {
                RgbImage image = SessionJob.Image(i % 3, rng);
                IReadOnlyList<ClassScore> expected;
                lock (alone) expected = alone.Classify(image);
                Assert.Equal(expected, together.Classify(image));
            }
        }))];
        await Task.WhenAll(busy);
    }

    [Fact]
    public void While_it_trains_the_former_head_answers_and_images_wait_for_the_next_training()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 5, 2);
        session.Train();
        SessionJob.Fill(session, 5, 3, seed: 2);
        RgbImage image = SessionJob.Image("blue", 30);
        List<int> classes = [];
        TuningSessionReport report = session.Train(new Relay<StageProgress>(p =>
        {
            classes.Add(session.Classify(image).Count);
            if (p is { Stage: "train", Done: 2 }) session.Add("blue", image);
        }));
        Assert.All(classes, count => Assert.Equal(2, count));
        Assert.Equal((25, 26), (report.Images, session.Items.Count));
        Assert.True(session.IsStale);
        Assert.Equal("blue", session.Classify(image)[0].Label);
    }
}
