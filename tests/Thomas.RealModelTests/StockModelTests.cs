using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using Thomas.App.Pull;
using Xunit;

namespace Thomas.RealModelTests;

public sealed class StockModelTests
{
    /// <summary>
    /// The files of the catalog are those that Thomas is tested with; only where the length is missing does the checksum come from the publisher alone.
    /// </summary>
    [Fact]
    public void Checksums_and_lengths_are_those_of_the_files()
    {
        Dictionary<string, long> files = [];
        foreach (string path in Directory.EnumerateFiles(Assets.PathOf("models"), "*", SearchOption.AllDirectories))
        {
            using FileStream file = File.OpenRead(path);
            files[Convert.ToHexStringLower(SHA256.HashData(file))] = file.Length;
        }

        int known = 0;
        foreach (StockModel model in StockCatalog.Models)
        {
            if (model.Bytes is null) continue;
            Assert.True(files.TryGetValue(model.Sha256, out long bytes), $"{model.Name}: no file has its checksum");
            Assert.Equal(bytes, model.Bytes);
            known++;
        }

        Assert.True(known >= 7, $"only {known} models could be compared");
    }
}
