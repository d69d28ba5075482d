using System;
using System.IO;
using Thomas.Kernels;
using Thomas.Runtime;
using Xunit;

namespace Thomas.Tests.Runtime;

public sealed class CacheSizesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("thomas-caches").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_second_level_of_the_fast_processors_is_found()
    {
        Write(0, 0, "1", "32K");
        Write(0, 1, "2", "128K");
        Write(1, 0, "1", "64K");
        Write(1, 1, "2", "512K");
        Write(1, 2, "3", "4096K");
        Assert.Equal(512 << 10, CacheSizes.SecondLevelBytes(_folder));
    }

    [Theory]
    [InlineData("2M", 2 << 20)]
    [InlineData("", 0)]
    [InlineData("K", 0)]
    [InlineData("many", 0)]
    [InlineData("-1K", 0)]
    [InlineData("99999999999K", 0)]
    public void Sizes_are_read_and_nonsense_is_none(string size, long expected)
    {
        Write(0, 0, "2", size);
        Assert.Equal(expected, CacheSizes.SecondLevelBytes(_folder));
    }

    [Fact]
    public void Without_a_list_the_default_counts()
    {
        Assert.Equal(0, CacheSizes.SecondLevelBytes(Path.Combine(_folder, "missing")));
        Assert.Same(BlockSizes.Default, BlockSizes.For(0));
    }

    [Theory]
    [InlineData(4096, 56, 128)]
    [InlineData(1024, 56, 128)]
    [InlineData(256, 56, 64)]
    [InlineData(128, 32, 32)]
    [InlineData(16, 14, 4)]
    public void Small_caches_make_small_blocks(int kibibytes, int rows, int panelKibibytes) =>
        Assert.Equal(new BlockSizes(rows, panelKibibytes << 10), BlockSizes.For((long)kibibytes << 10));

    private void Write(int cpu, int index, string level, string size)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, $"cpu{cpu}", "cache", $"index{index}")).FullName;
        File.WriteAllText(Path.Combine(folder, "level"), level + "\n");
        File.WriteAllText(Path.Combine(folder, "size"), size + "\n");
    }
}
