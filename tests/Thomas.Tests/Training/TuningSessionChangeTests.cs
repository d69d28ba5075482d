using System;
using System.Collections.Generic;
using System.Linq;
using Thomas.Data;
using Thomas.Tests.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>What is undone and made again.</summary>
public sealed class TuningSessionChangeTests
{
    [Fact]
    public void What_may_come_back_is_held_and_a_closed_session_can_be_counted()
    {
        using TemporaryFolder folder = new();
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 2);
            session.Remove(1);
            session.RemoveClass("green");
            session.Add("red", SessionJob.Image("red", 9));
            session.Undo();
            Assert.Equal([1, 2, 3, 4, 5, 6, 7], session.HeldIds().Order());
            Assert.Equal([("red", 1), ("blue", 2)], TuningSession.ClassesOf(session.Folder).Select(c => (c.Label, c.Images)));

            // Changes that can no longer be undone let go of what they removed.
            for (int i = 0; i < 60; i++)
            {
                session.Add("red", SessionJob.Image("red", (ulong)i));
                session.Remove(session.Items[^1].Id);
            }

            Assert.Equal(3 + 50, session.HeldIds().Count);
        }

        Assert.Equal([("red", 1), ("blue", 2)], TuningSession.ClassesOf(folder["session"]).Select(c => (c.Label, c.Images)));
        Assert.Empty(TuningSession.ClassesOf(folder["nothing"]));
    }

    [Fact]
    public void An_image_that_cannot_be_kept_is_not_added()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder, decoder: new SessionJob.TextDecoder());
        List<long> kept = [], forgotten = [];
        long first = session.Add("red", "red 1"u8.ToArray(), kept.Add, forgotten.Add).Id;
        Assert.Throws<OutputException>(() => session.Add("red", "red 2"u8.ToArray(), id => throw new OutputException("full"), forgotten.Add));
        Assert.Throws<DataException>(() => session.Add("red\n", "red 2"u8.ToArray(), kept.Add, forgotten.Add));
        Assert.Equal([first], session.Items.Select(item => item.Id));
        Assert.Equal(2, session.Add("red", "red 3"u8.ToArray(), kept.Add, forgotten.Add).Id);
        Assert.Equal([1, 2], kept);
        Assert.Equal([2], forgotten);
    }

    [Fact]
    public void Every_change_can_be_undone_and_made_again_also_after_a_restart()
    {
        using TemporaryFolder folder = new();
        List<IReadOnlyList<(long, string)>> states = [];
        using (TuningSession session = SessionJob.Open(folder))
        {
            Assert.False(session.Undo());
            Action[] changes =
            [
                () => session.Add("red", SessionJob.Image("red", 1)), () => session.Add("green", SessionJob.Image("green", 2)),
                () => session.Add("red", SessionJob.Image("red", 3)),
                () => session.Remove(2), () => session.Relabel(3, "blue"), () => session.Rename("red", "rose"),
                () => session.Add("rose", SessionJob.Image("red", 4)),
                () => session.RemoveClass("rose"), () => session.Add("red", SessionJob.Image("red", 5)),
            ];
            states.Add(SessionJob.Listed(session));
            foreach (Action change in changes)
            {
                change();
                states.Add(SessionJob.Listed(session));
            }

            for (int i = states.Count - 2; i >= 4; i--)
            {
                Assert.True(session.Undo());
                Assert.Equal(states[i], SessionJob.Listed(session));
            }
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.True(again.CanUndo && again.CanRedo);
        for (int i = 3; i >= 0; i--)
        {
            Assert.True(again.Undo());
            Assert.Equal(states[i], SessionJob.Listed(again));
        }

        Assert.False(again.CanUndo);
        Assert.False(again.Undo());
        for (int i = 1; i < states.Count; i++)
        {
            Assert.True(again.Redo());
            Assert.Equal(states[i], SessionJob.Listed(again));
        }

        Assert.False(again.Redo());
        again.Undo();
        Assert.Equal(6, again.Add("new", SessionJob.Image("blue", 6)).Id);
        Assert.False(again.CanRedo);
    }

    [Fact]
    public void The_last_hundred_changes_can_be_undone()
    {
        using TemporaryFolder folder = new();
        using TuningSession session = SessionJob.Open(folder);
        RgbImage image = SessionJob.Image("red", 1);
        for (int i = 0; i < 103; i++) session.Add("red", image);
        int undone = 0;
        while (session.Undo()) undone++;
        Assert.Equal((100, 3), (undone, session.Items.Count));
    }

    /// <summary>Random changes beside a list that is changed likewise, with restarts and logs written anew in between.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_changes_undone_closed_and_made_again_end_as_in_a_plain_list(ulong seed)
    {
        using TemporaryFolder folder = new();
        Rng rng = new(seed);
        RgbImage image = SessionJob.Image("red", seed);
        List<List<(long Id, string Label)>> done = [[]], undone = [];
        long next = 1;
        TuningSession session = SessionJob.Open(folder);
        for (int step = 0; step < 400; step++)
        {
            List<(long Id, string Label)> now = [.. done[^1]];
            string label = $"class {rng.Next(6)}";
            (long Id, string Label) one = now.Count > 0 ? now[rng.Next(now.Count)] : default;
            int kind = rng.Next(12);
            if (kind == 0)
            {
                session.Dispose();
                session = SessionJob.Open(folder, SessionJob.Options with { CompactAbove = rng.Next(3) == 0 ? 1 << 20 : -(1 << 30) });
            }
            else if (kind <= 2)
            {
                bool can = done.Count > 1;
                Assert.Equal(can, session.Undo());
                if (can) undone.Add(done[^1]);
                if (can) done.RemoveAt(done.Count - 1);
            }
            else if (kind == 3)
            {
                bool can = undone.Count > 0;
                Assert.Equal(can, session.Redo());
                if (can) done.Add(undone[^1]);
                if (can) undone.RemoveAt(undone.Count - 1);
            }
            else
            {
                if (kind <= 7)
                {
                    Assert.Equal(next, session.Add(label, image).Id);
                    now.Add((next++, label));
                }
                else if (now.Count == 0)
                {
                    continue;
                }
                else if (kind == 8)
                {
                    session.Remove(one.Id);
                    now.Remove(one);
                }
                else if (kind == 9)
                {
                    session.RemoveClass(one.Label);
                    now.RemoveAll(item => item.Label == one.Label);
                }
                else if (kind == 10)
                {
                    if (one.Label == label) continue;
                    session.Relabel(one.Id, label);
                    now[now.IndexOf(one)] = (one.Id, label);
                }
                else
                {
                    if (now.Exists(item => item.Label == label)) continue;
                    session.Rename(one.Label, label);
                    for (int i = 0; i < now.Count; i++) now[i] = now[i].Label == one.Label ? (now[i].Id, label) : now[i];
                }

                done.Add(now);
                undone.Clear();
                if (done.Count > 101) done.RemoveAt(0);
            }

            Assert.Equal(done[^1], SessionJob.Listed(session));
            Assert.Equal((done.Count > 1, undone.Count > 0), (session.CanUndo, session.CanRedo));
            Assert.Equal(
                done[^1].GroupBy(item => item.Label).Select(group => (group.Key, group.Count())).Order(),
                session.Classes.Select(c => (c.Label, c.Images)).Order());
        }

        session.Dispose();
    }
}
