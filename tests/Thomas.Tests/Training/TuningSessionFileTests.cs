using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Graphs;
using Thomas.Tests.Data;
using Thomas.Tests.Harness;
using Thomas.Training;
using Xunit;

namespace Thomas.Tests.Training;

/// <summary>What happens to the files of a session.</summary>
public sealed class TuningSessionFileTests
{
    [Fact]
    public void A_last_record_cut_off_at_any_byte_costs_that_image_alone()
    {
        using TemporaryFolder whole = new(), torn = new();
        long before = FillAndMeasure(whole);
        SessionJob.Copy(whole, torn);
        byte[] log = File.ReadAllBytes(SessionJob.LogOf(whole));
        for (int length = (int)before + 1; length < log.Length; length++)
        {
            foreach (bool zeros in (bool[])[false, true])
            {
                // A file system that noted the length before a power failure gives zeros.
                byte[] left = zeros ? [.. log[..length], .. new byte[log.Length - length]] : log[..length];
                if (left.AsSpan().SequenceEqual(log)) continue;
                File.WriteAllBytes(SessionJob.LogOf(torn), left);
                using (TuningSession session = SessionJob.Open(torn))
                {
                    Assert.Equal([(1L, "red"), (2, "green")], SessionJob.Listed(session));
                    Assert.Contains($"offset {before}", Assert.Single(session.Notices), StringComparison.Ordinal);
                }

                Assert.Equal(log[..(int)before], File.ReadAllBytes(SessionJob.LogOf(torn)));
            }
        }

        using TuningSession after = SessionJob.Open(torn);
        Assert.Empty(after.Notices);
        Assert.Equal(3, after.Add("red", SessionJob.Image("red", 9)).Id);
    }

    [Fact]
    public void Damage_anywhere_before_the_last_record_is_told_with_its_place_and_nothing_is_changed()
    {
        using TemporaryFolder whole = new(), damaged = new();
        long last = FillAndMeasure(whole);
        SessionJob.Copy(whole, damaged);
        byte[] log = File.ReadAllBytes(SessionJob.LogOf(whole));
        long second = SessionLog.HeaderBytes + SessionLog.FrameBytes + BinaryPrimitives.ReadInt32LittleEndian(log.AsSpan(SessionLog.HeaderBytes + 4));
        for (int i = 0; i < last; i++)
        {
            // The minor version may differ.
            if (i is 10 or 11) continue;
            byte[] changed = [.. log];
            changed[i] ^= 0x10;
            File.WriteAllBytes(SessionJob.LogOf(damaged), changed);
            string message = Assert.Throws<DataException>(() => SessionJob.Open(damaged)).Message;
            Assert.Contains("images.log", message, StringComparison.Ordinal);
            long offset = i >= second ? second : i >= SessionLog.HeaderBytes ? SessionLog.HeaderBytes : i >= 12 ? 12 : 0;
            Assert.Contains(i is 8 or 9 ? "version" : $"offset {offset}:", message, StringComparison.Ordinal);
            Assert.Equal(changed, File.ReadAllBytes(SessionJob.LogOf(damaged)));
        }

        File.WriteAllBytes(SessionJob.LogOf(damaged), log);
        using TuningSession session = SessionJob.Open(damaged);
        Assert.Equal(3, session.Items.Count);
    }

    [Fact]
    public void Records_that_make_no_sense_are_refused_although_their_checksum_holds()
    {
        using TemporaryFolder folder = new();
        FillAndMeasure(folder);
        byte[] good = Record(1, 0, "red");
        byte[] late = [.. good], infinite = [.. good];
        BinaryPrimitives.WriteInt64LittleEndian(late.AsSpan(13), long.MaxValue);
        BinaryPrimitives.WriteSingleLittleEndian(infinite.AsSpan(good.Length - 4), float.NaN);
        byte[] numbers = good[..21];
        List<byte[][]> hostile =
        [
            [SessionRecord.Undo], [SessionRecord.Redo], [SessionRecord.Remove(1)], [SessionRecord.RemoveClass(0)], [SessionRecord.Rename(0, "x")],
            [SessionRecord.Relabel(1, new SessionClass(0, "x"))], [SessionRecord.Begin(0, 0)], [SessionRecord.Begin(1, -1)],
            [good, good], [good, SessionRecord.Rename(0, "red")], [good, SessionRecord.Begin(5, 5)],
            [good, Record(2, 1, "red")], [good, Record(2, 0, "green")], [good, Record(2, 0, "red", SessionRecordKind.Image)], [Record(0, 0, "red")],
            [Record(1, -1, "red")], [Record(1, 0, "a\nb")],
            [good[..^1]], [[.. good, 0]], [[99]], [late], [infinite], [[.. numbers, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]],
            [[.. numbers, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]],
        ];
        foreach (byte[][] records in hostile)
        {
            SessionLog.Create(SessionJob.LogOf(folder), 16, records);
            Assert.Contains("is invalid", Assert.Throws<DataException>(() => SessionJob.Open(folder)).Message, StringComparison.Ordinal);
        }

        SessionLog.Create(SessionJob.LogOf(folder), 16, [good]);
        using TuningSession session = SessionJob.Open(folder);
        Assert.Single(session.Items);

        static byte[] Record(long id, int @class, string label, SessionRecordKind kind = SessionRecordKind.Add) =>
            SessionRecord.Image(kind, new SessionImage(id, new SessionClass(@class, label), DateTimeOffset.UnixEpoch, new float[16]), @class, label);
    }

    [Fact]
    public void A_full_disk_is_told_and_leaves_the_session_as_it_was()
    {
        using TemporaryFolder folder = new();
        bool isFull = false;
        TuningSessionOptions options = SessionJob.Options with { LogStream = file => isFull ? new FullDisk(file) : file };
        using (TuningSession session = SessionJob.Open(folder, options))
        {
            SessionJob.Fill(session, 2);
            session.Remove(2);
            session.Undo();
            session.Train();
            IReadOnlyList<(long, string)> listed = SessionJob.Listed(session);
            byte[] log = File.ReadAllBytes(SessionJob.LogOf(folder));
            Action[] changes =
            [
                () => session.Add("red", SessionJob.Image("red", 9)), () => session.Add("new", SessionJob.Image("red", 9)), () => session.Remove(1),
                () => session.RemoveClass("red"),
                () => session.Rename("red", "rose"), () => session.Relabel(1, "green"), () => session.Relabel(1, "new"), () => session.Undo(),
                () => session.Redo(),
            ];
            isFull = true;
            foreach (Action change in changes)
            {
                string message = Assert.Throws<OutputException>(change).Message;
                Assert.Contains("No space left", message, StringComparison.Ordinal);
                Assert.Contains("images.log", message, StringComparison.Ordinal);
                Assert.Equal(listed, SessionJob.Listed(session));
                Assert.True(session.CanUndo && session.CanRedo);
                Assert.False(session.IsStale);
                Assert.Equal(log, File.ReadAllBytes(SessionJob.LogOf(folder)));
            }

            Assert.Equal("blue", session.Classify(SessionJob.Image("blue", 7))[0].Label);
            isFull = false;
            Assert.Equal(7, session.Add("new", SessionJob.Image("red", 9)).Id);
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.Empty(again.Notices);
        Assert.Equal(7, again.Items.Count);
    }

    /// <summary>As after a failed write that could not even be taken back: what lies behind the good records goes with the next change.</summary>
    [Fact]
    public void What_a_failed_write_left_behind_is_gone_after_the_next_change()
    {
        using TemporaryFolder folder = new();
        bool leaves = false;
        using (TuningSession session = SessionJob.Open(folder, SessionJob.Options with { LogStream = file => leaves ? new LeavesMore(file) : file }))
        {
            SessionJob.Fill(session, 1);
            leaves = true;
            session.Add("red", SessionJob.Image("red", 9));
            leaves = false;
            session.Undo();
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.Empty(again.Notices);
        Assert.Equal((3, true), (again.Items.Count, again.CanRedo));
    }

    [Fact]
    public void A_head_that_cannot_be_kept_is_used_and_that_is_said()
    {
        using TemporaryFolder folder = new();
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 5);
            Directory.CreateDirectory(SessionJob.HeadOf(folder));
            TuningSessionReport report = session.Train();
            Assert.Contains("could not be saved", Assert.Single(report.Warnings), StringComparison.Ordinal);
            Assert.Equal("blue", session.Classify(SessionJob.Image("blue", 7))[0].Label);
            Directory.Delete(SessionJob.HeadOf(folder));
        }

        using TuningSession again = SessionJob.Open(folder);
        Assert.False(again.IsTrained);
        Assert.Empty(again.Notices);
    }

    [Fact]
    public void A_head_damaged_in_any_byte_must_be_trained_again_and_that_is_said()
    {
        using TemporaryFolder folder = new();
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 2, 2);
            session.Train();
        }

        byte[] head = File.ReadAllBytes(SessionJob.HeadOf(folder));
        for (int i = 0; i < head.Length; i += 7)
        {
            if (i is 10 or 11) continue;
            byte[] changed = [.. head];
            changed[i] ^= 1;
            File.WriteAllBytes(SessionJob.HeadOf(folder), changed);
            using TuningSession session = SessionJob.Open(folder);
            Assert.False(session.IsTrained);
            Assert.Contains("trained again", Assert.Single(session.Notices), StringComparison.Ordinal);
            Assert.Equal(4, session.Items.Count);
        }

        File.WriteAllBytes(SessionJob.HeadOf(folder), head);
        using TuningSession sound = SessionJob.Open(folder);
        Assert.True(sound.IsTrained);
    }

    [Fact]
    public void A_session_is_open_once()
    {
        using TemporaryFolder folder = new();
        TuningSession first = SessionJob.Open(folder);
        SessionJob.Fill(first, 1);
        Assert.Contains("already open", Assert.Throws<DataException>(() => SessionJob.Open(folder)).Message, StringComparison.Ordinal);
        SessionJob.Fill(first, 1);
        first.Dispose();
        using TuningSession second = SessionJob.Open(folder);
        Assert.Equal(6, second.Items.Count);
    }

    [Fact]
    public void Another_model_is_refused_by_name_and_the_former_goes_on()
    {
        using TemporaryFolder folder = new();
        using (TuningSession session = TuningSession.Open(folder["session"], SessionJob.Model(), options: SessionJob.Options with { ModelFile = "tiny.onnx" }))
            SessionJob.Fill(session, 2);
        Assert.Equal("tiny.onnx", TuningSession.ModelFileOf(folder["session"]));
        Assert.Null(TuningSession.ModelFileOf(folder["nothing"]));

        string message = Assert.Throws<DataException>(() => TuningSession.Open(folder["session"], Changed(SessionJob.Model(), 1.05f))).Message;
        Assert.Contains("'tiny.onnx'", message, StringComparison.Ordinal);
        Assert.Contains("Open it with the original model", message, StringComparison.Ordinal);
        Assert.Contains(
            "Features", Assert.Throws<DataException>(() => TuningSession.Open(folder["session"], TinyModels.Create(TinyModels.HeadStyle.Flatten))).Message,
            StringComparison.OrdinalIgnoreCase);

        Preprocessing other = Preprocessing.Preset("unit", TinyModels.Side, TinyModels.Side);
        Assert.Contains(
            "preprocessing",
            Assert.Throws<DataException>(() => TuningSession.Open(folder["session"], SessionJob.Model(), options: new() { Preprocessing = other })).Message,
            StringComparison.Ordinal);
        using TuningSession again = SessionJob.Open(folder);
        Assert.Equal(6, again.Items.Count);
    }

    [Theory]
    [InlineData("onnx")]
    [InlineData("tflite")]
    public void The_same_model_in_another_format_is_the_same(string format)
    {
        using TemporaryFolder folder = new();
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 5);
            session.Train();
            session.ToModel().Save(folder[$"model.{format}"]);
        }

        // Another last layer and another hash; the preprocessing is the session's own.
        using TuningSession again = TuningSession.Open(folder["session"], Model.Load(folder[$"model.{format}"]), options: SessionJob.Options);
        Assert.Equal(15, again.Items.Count);
        Assert.Equal("blue", again.Classify(SessionJob.Image("blue", 7))[0].Label);
    }

    [Fact]
    public void The_preprocessing_of_the_beginning_holds()
    {
        using TemporaryFolder folder = new();
        Preprocessing unit = Preprocessing.Preset("unit", TinyModels.Side, TinyModels.Side);
        using (TuningSession session = SessionJob.Open(folder, SessionJob.Options with { Preprocessing = unit }))
            Assert.Equal(unit, session.Input.Preprocessing);
        using TuningSession again = SessionJob.Open(folder);
        Assert.Equal(unit, again.Input.Preprocessing);
    }

    [Fact]
    public void Missing_files_later_versions_and_other_folders_are_refused_as_what_they_are()
    {
        using TemporaryFolder folder = new(), copy = new();
        FillAndMeasure(folder);
        Refused("'images.log' is missing", () => File.Delete(SessionJob.LogOf(copy)));
        Refused("'session.json' is missing", () => File.Delete(SessionJob.ManifestOf(copy)));
        Refused("version 2", () => File.WriteAllText(SessionJob.ManifestOf(copy), """{ "version": 2, "somethingElse": true }"""));
        Refused("version 2.0", () => Patch(SessionJob.LogOf(copy), 8, 2));
        Refused("damaged", () => File.WriteAllText(SessionJob.ManifestOf(copy), "{"));
        Refused("damaged", () => File.WriteAllText(SessionJob.ManifestOf(copy), "[]"));
        Refused("damaged", () => File.WriteAllText(SessionJob.ManifestOf(copy), """{ "version": "1" }"""));
        Refused("damaged", () => File.WriteAllText(SessionJob.ManifestOf(copy), """{ "version": 1 }"""));
        Refused("damaged", () => Replace("\"features\": 16", "\"features\": 15"));
        Refused("damaged", () => Replace("thomas.width", "thomas.breadth"));
        Refused("damaged", () => Replace("\"thomas.std\": \"127.5 127.5 127.5\"", "\"thomas.std\": null"));
        Refused("offset 0:", () => File.WriteAllText(SessionJob.LogOf(copy), ""));

        Directory.CreateDirectory(copy["photos"]);
        File.WriteAllText(copy["photos", "cat.jpg"], "cat");
        Assert.Contains(
            "'cat.jpg'", Assert.Throws<DataException>(() => TuningSession.Open(copy["photos"], SessionJob.Model())).Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(copy["photos"]));
        Assert.Throws<OutputException>(() => TuningSession.Open(copy["photos", "cat.jpg"], SessionJob.Model()));

        using TuningSession session = SessionJob.Open(folder);
        Assert.Equal(3, session.Items.Count);

        void Refused(string text, Action damage)
        {
            SessionJob.Copy(folder, copy);
            damage();
            Assert.Contains(text, Assert.Throws<DataException>(() => SessionJob.Open(copy)).Message, StringComparison.Ordinal);
        }

        void Replace(string old, string text) =>
            File.WriteAllText(SessionJob.ManifestOf(copy), File.ReadAllText(SessionJob.ManifestOf(copy)).Replace(old, text, StringComparison.Ordinal));

        static void Patch(string path, int at, byte value)
        {
            byte[] bytes = File.ReadAllBytes(path);
            bytes[at] = value;
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public void A_creation_that_was_killed_is_begun_again()
    {
        using TemporaryFolder folder = new();
        SessionJob.Open(folder).Dispose();
        File.Delete(SessionJob.ManifestOf(folder));
        using TuningSession session = SessionJob.Open(folder);
        SessionJob.Fill(session, 1);
    }

    [Fact]
    public void A_log_that_holds_mostly_removed_images_is_written_anew()
    {
        using TemporaryFolder folder = new();
        IReadOnlyList<(long, string)> listed;
        using (TuningSession session = SessionJob.Open(folder))
        {
            SessionJob.Fill(session, 100);
            foreach (TuningSessionItem item in session.Items.Take(280).ToArray()) session.Remove(item.Id);

            // Removed images stay so long as that can be undone.
            for (int i = 0; i < 101; i++) session.Rename(session.Classes[0].Label, $"name {i}");
            session.Undo();
            listed = SessionJob.Listed(session);
        }

        long before = new FileInfo(SessionJob.LogOf(folder)).Length;
        using (TuningSession session = SessionJob.Open(folder)) Assert.Equal(before, new FileInfo(SessionJob.LogOf(folder)).Length);
        using (TuningSession session = SessionJob.Open(folder, SessionJob.Options with { CompactAbove = 0 }))
        {
            long after = new FileInfo(SessionJob.LogOf(folder)).Length;
            Assert.InRange(after, 20 * 64, before / 3);
            Assert.Equal(listed, SessionJob.Listed(session));
            Assert.True(session.Redo());
            Assert.Equal(301, session.Add("red", SessionJob.Image("red", 1)).Id);
        }

        using TuningSession again = SessionJob.Open(folder, SessionJob.Options with { CompactAbove = 0 });
        Assert.Equal(21, again.Items.Count);
        Assert.Equal("name 100", again.Classes[0].Label);
        int undone = 0;
        while (again.Undo()) undone++;
        Assert.Equal(100, undone);
    }

    /// <summary>Two images and a third; where the third begins.</summary>
    private static long FillAndMeasure(TemporaryFolder folder)
    {
        using TuningSession session = SessionJob.Open(folder);
        session.Add("red", SessionJob.Image("red", 1));
        session.Add("green", SessionJob.Image("green", 2));
        long before = new FileInfo(SessionJob.LogOf(folder)).Length;
        session.Add("blue", SessionJob.Image("blue", 3));
        return before;
    }

    /// <summary>The model with other weights in its first layer.</summary>
    private static Model Changed(Model model, float factor)
    {
        Thomas.Passes.GraphRewriter rewriter = new(model.Graph);
        foreach (Value value in model.Graph.Values.Where(value => value.Name == "stem.weight"))
        {
            float[] weights = [.. value.Constant!.Floats.ToArray().Select(w => w * factor)];
            rewriter.Set(value, rewriter.Builder.Constant(value.Name, TensorData.FromFloats(value.Shape, weights)));
        }

        foreach (Node node in model.Graph.Nodes) rewriter.Copy(node);
        return new Model(rewriter.Build(), model.Info);
    }

    private sealed class FullDisk(Stream file) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            file.Write(buffer[..Math.Min(10, buffer.Length)]);
            throw new IOException("No space left on device");
        }
    }

    private sealed class LeavesMore(Stream file) : MemoryStream
    {
        public override void Write(ReadOnlySpan<byte> buffer)
        {
            file.Write(buffer);
            file.Write(new byte[300]);
        }
    }
}
