using System;
using System.Buffers.Binary;
using System.IO;
using Thomas.Data;
using Thomas.Training;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Files that once brought the program down, as they are.</summary>
public sealed class HostileCaseTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("thomas-hostile-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_cache_whose_hashes_hold_around_nonsense_is_made_anew()
    {
        byte[] bytes = File.ReadAllBytes(Case("crops_45"));
        UInt128 key = BinaryPrimitives.ReadUInt128LittleEndian(bytes.AsSpan(16));
        int cropBytes = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(12)), slots = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(32));
        string path = CropFile.PathOf(_folder.FullName, key);
        File.WriteAllBytes(path, bytes);
        Assert.Null(CropFile.TryOpen(path, key, new string?[slots], 1, cropBytes, 1, out string? problem, default));
        Assert.NotNull(problem);
    }

    [Fact]
    public void A_checkpoint_with_a_tensor_without_name_is_damaged()
    {
        ThomasException error = Assert.Throws<ThomasException>(() => Checkpoint.Open(Case("checkpoint_null_name")));
        Assert.Contains("is damaged", error.Message, StringComparison.Ordinal);
    }

    private static string Case(string name)
    {
        Assert.SkipWhen(Assets.Root is null, Assets.SkipReason);
        string path = Path.Combine(Assets.Root!, "..", "cases", "hostile", name);
        Assert.SkipUnless(File.Exists(path), $"{path} is missing");
        return path;
    }
}
