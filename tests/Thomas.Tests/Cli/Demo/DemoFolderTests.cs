using System;
using System.IO;
using System.Linq;
using Thomas.App.Demo;
using Thomas.Tests.Data;
using Xunit;

namespace Thomas.Tests.Cli.Demo;

public sealed class DemoFolderTests : IDisposable
{
    private readonly TemporaryFolder _files = new();

    public void Dispose() => _files.Dispose();

    [Fact]
    public void Files_of_the_same_name_are_replaced_and_others_stay()
    {
        Directory.CreateDirectory(_files["out"]);
        File.WriteAllText(_files["out", "a"], "old");
        File.WriteAllText(_files["out", "mine"], "mine");
        DemoFolder.Write(
            _files["out"] + Path.DirectorySeparatorChar,
            [("a", path => File.WriteAllText(path, "new")), (Path.Combine("sub", "b"), path => File.WriteAllText(path, "b"))]);
        Assert.Equal("new", File.ReadAllText(_files["out", "a"]));
        Assert.Equal("mine", File.ReadAllText(_files["out", "mine"]));
        Assert.Equal("b", File.ReadAllText(_files["out", "sub", "b"]));
        Assert.Equal(["a", "mine", "sub"], Directory.EnumerateFileSystemEntries(_files["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void If_a_file_cannot_be_written_the_folder_stays_as_it_was()
    {
        Directory.CreateDirectory(_files["out"]);
        File.WriteAllText(_files["out", "a"], "old");
        OutputException e = Assert.Throws<OutputException>(() => DemoFolder.Write(
            _files["out"],
            [("a", path => File.WriteAllText(path, "new")), ("b", path => File.WriteAllText(path, "half")), ("c", _ => throw new IOException("disk full"))]));
        Assert.Contains("disk full", e.Message, StringComparison.Ordinal);
        Assert.Equal("old", File.ReadAllText(Assert.Single(Directory.EnumerateFiles(_files.Path, "*", SearchOption.AllDirectories))));
        Assert.Empty(Directory.EnumerateDirectories(_files["out"]));
    }

    [Fact]
    public void Checking_leaves_no_trace()
    {
        DemoFolder.Check(_files["not", "there"]);
        DemoFolder.Check(_files.Path);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_files.Path));
    }
}
