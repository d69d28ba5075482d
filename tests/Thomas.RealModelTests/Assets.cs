using System;
using System.IO;
using Xunit;

namespace Thomas.RealModelTests;

/// <summary>The shared models and images, found through the environment variable THOMAS_ASSETS.</summary>
internal static class Assets
{
    public const string Variable = "THOMAS_ASSETS";

    public const string SkipReason = $"set the environment variable {Variable} to the folder with models/, datasets/ and golden/";

    /// <summary>The folder, or null where the variable is not set.</summary>
    public static string? Root => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } root ? root : null;

    /// <summary>Full path of a file or folder in the assets; skips the running test where there are none.</summary>
    /// <param name="parts">Path relative to the assets, one folder each.</param>
    public static string PathOf(params ReadOnlySpan<string> parts)
    {
        Assert.SkipWhen(Root is null, SkipReason);
        string path = Path.Combine(Root!, Path.Combine(parts));
        Assert.True(Path.Exists(path), $"{path} is missing");
        return path;
    }
}
