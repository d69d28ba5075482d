using System;
using System.IO;
using Thomas.Formats;
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
    public void A_missing_folder_is_an_output_error() =>
        Assert.Throws<OutputException>(() => AtomicFile.Write(_folder["none", "a.bin"], stream => stream.WriteByte(1)));
}
