using System.Collections.Generic;
using System.IO;
using System.Linq;
using Thomas.Runtime;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Runtime;

public sealed class DeviceRecordTests
{
    private const string Key = "Thomas 1\ntraining\ngraph ab";

    private static readonly DeviceTime[] Times = [new("cpu", "avx2", 12.5, 0.25, false, null), new("opencl:0", "GPU", 3, 2, true, null)];

    private static readonly DeviceCandidate[] Devices = [new("cpu", "", "", new CompileOptions()), new("opencl:0", "", "", new CompileOptions())];

    [Fact]
    public void Times_are_found_again_for_the_same_question_alone()
    {
        using TemporaryFolder folder = new();
        DeviceRecord record = new(folder["new"]);
        Assert.Null(record.Find(Key, Devices));
        record.Keep(Key, Times, 1);
        (IReadOnlyList<DeviceTime> times, int fastest) = new DeviceRecord(folder["new"]).Find(Key, Devices)!.Value;
        Assert.Equal(Times, times);
        Assert.Equal(1, fastest);
        Assert.Null(record.Find(Key + " ", Devices));
        Assert.Null(record.Find(Key, []));
        Assert.Null(record.Find(Key, [.. Devices, Devices[0]]));
        Assert.Null(record.Find(Key, [Devices[1], Devices[0]]));

        // Another question's answer under this one's name.
        string own = Directory.GetFiles(folder["new"]).Single();
        record.Keep("other", Times, 0);
        File.Copy(Directory.GetFiles(folder["new"]).Single(file => file != own), own, overwrite: true);
        Assert.Null(record.Find(Key, Devices));
    }

    [Fact]
    public void A_damaged_file_is_ignored_and_written_anew()
    {
        using TemporaryFolder folder = new();
        DeviceRecord record = new(folder["new"]);
        record.Keep(Key, Times, 1);
        string file = Directory.GetFiles(folder["new"]).Single();
        byte[] bytes = File.ReadAllBytes(file);
        for (int i = 0; i < bytes.Length; i++)
        {
            byte[] flipped = [.. bytes];
            flipped[i] ^= 1;
            File.WriteAllBytes(file, flipped);
            Assert.Null(record.Find(Key, Devices));
        }

        foreach (int length in (int[])[0, 5, 41, bytes.Length - 1])
        {
            File.WriteAllBytes(file, bytes[..length]);
            Assert.Null(record.Find(Key, Devices));
        }

        record.Keep(Key, Times, 0);
        Assert.Equal(0, record.Find(Key, Devices)!.Value.Fastest);
    }

    [Fact]
    public void That_nothing_can_be_kept_is_no_error()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder["file"], "");
        DeviceRecord record = new(folder["file"]);
        record.Keep(Key, Times, 0);
        Assert.Null(record.Find(Key, Devices));
    }
}
