using System;
using System.IO;

using Xunit;

namespace Thomas.RealModelTests;

/// <summary>Finds the shared models and pictures through the environment variable THOMAS_ASSETS; tests that need them are skipped where it is not set.</summary>
internal static class Assets
{
    private const string Variable = "THOMAS_ASSETS";

    /// <summary>Path of an asset. Skips the test if the assets are absent; fails it if the folder is there but the asset is not.</summary>
    public static string Path(params string[] parts)
    {
        string? root = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(string.IsNullOrEmpty(root), $"{Variable} is not set to the folder of the shared models and pictures.");
        string path = System.IO.Path.Combine([root!, .. parts]);
        Assert.True(File.Exists(path) || Directory.Exists(path), $"{path} does not exist although {Variable} is set.");
        return path;
    }
}
