using System;
using System.IO;
using System.Runtime.Versioning;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Formats;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_appears_whole()
    {
        AtomicFile.Write(_folder["a.bin"], stream => stream.Write([1, 2, 3]));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(_folder["a.bin"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_full_disk_leaves_the_old_file_and_nothing_else()
    {
        File.WriteAllBytes(_folder["a.bin"], [9]);
        OutputException error = Assert.Throws<OutputException>(() => AtomicFile.Write(_folder["a.bin"], stream =>
        {
            stream.Write(new byte[1000]);
            throw new IOException("No space left on device");
        }));
        Assert.Contains("No space left on device", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder["a.bin"], error.Message, StringComparison.Ordinal);
        Assert.Equal([9], File.ReadAllBytes(_folder["a.bin"]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Any_other_failure_passes_through_and_leaves_nothing()
    {
        Assert.Throws<InvalidOperationException>(() => AtomicFile.Write(_folder["a.bin"], _ => throw new InvalidOperationException()));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_link_stays_and_what_it_leads_to_is_replaced()
    {
        File.WriteAllBytes(_folder["real"], [9]);
        Directory.CreateDirectory(_folder["elsewhere"]);
        File.CreateSymbolicLink(_folder["link"], "real");
        File.CreateSymbolicLink(_folder["new"], Path.Combine("elsewhere", "made"));
        AtomicFile.Write(_folder["link"], stream => stream.WriteByte(1));
        AtomicFile.Write(_folder["new"], stream => stream.WriteByte(2));
        Assert.Equal("real", new FileInfo(_folder["link"]).LinkTarget);
        Assert.Equal([1], File.ReadAllBytes(_folder["real"]));
        Assert.Equal([2], File.ReadAllBytes(_folder["elsewhere", "made"]));
        File.CreateSymbolicLink(_folder["loop"], "loop");
        Assert.Throws<OutputException>(() => AtomicFile.Write(_folder["loop"], stream => stream.WriteByte(1)));
        Assert.Equal(4, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    public void What_is_not_a_regular_file_stays_as_it_is()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "needs mkfifo");
        string pipe = InputFileTests.MakePipe(_folder["pipe"]);
        File.CreateSymbolicLink(_folder["null"], "/dev/null");
        foreach ((string path, string what) in new[] { (pipe, "named pipe"), (_folder["null"], "a device"), ("/dev/null", "a device") })
        {
            OutputException error = Assert.Throws<OutputException>(() => AtomicFile.Write(path, stream => stream.WriteByte(1)));
            Assert.Contains(what, error.Message, StringComparison.Ordinal);
        }

        Assert.Equal(2, Directory.GetFiles(_folder.Path).Length);
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Permissions_are_kept_and_a_read_only_file_is_not_replaced()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "needs Unix permissions");
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.UserExecute;
        File.WriteAllBytes(_folder["a"], [9]);
        File.SetUnixFileMode(_folder["a"], Mode);
        AtomicFile.Write(_folder["a"], stream => stream.WriteByte(1));
        Assert.Equal(Mode, File.GetUnixFileMode(_folder["a"]));
        File.SetUnixFileMode(_folder["a"], UnixFileMode.UserRead);
        Assert.Contains(
            "read-only", Assert.Throws<OutputException>(() => AtomicFile.Write(_folder["a"], stream => stream.WriteByte(2))).Message, StringComparison.Ordinal);
        Assert.Equal([1], File.ReadAllBytes(_folder["a"]));
    }

    [Fact]
    public void A_name_of_the_greatest_length_is_written()
    {
        string name = new('n', 255);
        AtomicFile.Write(_folder[name], stream => stream.WriteByte(1));
        Assert.Equal([1], File.ReadAllBytes(_folder[name]));
    }

    [Fact]
    public void What_dead_writers_left_is_removed_and_what_others_write_is_not()
    {
        string left = _folder[$"a.bin.{Guid.NewGuid():N}.tmp"], earlier = _folder[$"a.bin.77.{Guid.NewGuid():N}.tmp"],
            written = _folder[$"a.bin.{Guid.NewGuid():N}.tmp"];
        string fresh = _folder[$"a.bin.{Guid.NewGuid():N}.tmp"], mine = _folder["a.bin.old.tmp"];
        foreach (string path in new[] { left, earlier, written, fresh, mine }) File.WriteAllText(path, "half");
        foreach (string path in new[] { left, earlier, written, mine }) File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(-10));
        using FileStream writer = new(written, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        AtomicFile.Write(_folder["a.bin"], stream => stream.WriteByte(1));
        Assert.Equal([false, false, true, true, true], Array.ConvertAll([left, earlier, written, fresh, mine], File.Exists));
    }

    [Fact]
    public void A_missing_folder_is_an_output_error() =>
        Assert.Throws<OutputException>(() => AtomicFile.Write(_folder["none", "a.bin"], stream => stream.WriteByte(1)));
}
