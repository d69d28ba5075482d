using System;
using System.Collections.Concurrent;
using System.IO;
using System.Text;

namespace Thomas.Kernels.OpenCl;

/// <summary>
/// Source text that an OpenCL compiler builds: one of the files of this folder, with macros set before it. Two of the same text are equal, so a device builds
/// each text once. What changes from node to node should be an argument of the kernel; macros are for what the compiler must know, such as the shape of a tile.
/// </summary>
/// <param name="Name">The file without its extension.</param>
/// <param name="Macros">The definitions before it, a line each.</param>
/// <param name="Source">A source that stands for the file; null for the file.</param>
internal sealed record OpenClProgram(string Name, string Macros, string? Source = null)
{
    private const string Common = "common";

    private static readonly ConcurrentDictionary<string, string> Files = new();

    /// <summary>The whole text: macros, what all files share, the file.</summary>
    public string Text => $"{Macros}{FileText(Common)}{Source ?? FileText(Name)}";

    /// <summary>A file with macros.</summary>
    /// <param name="name">The file without its extension.</param>
    /// <param name="macros">Name, with parameters if it has any, and replacement of each.</param>
    public static OpenClProgram Of(string name, params ReadOnlySpan<(string Name, string Text)> macros)
    {
        StringBuilder lines = new();
        foreach ((string macro, string text) in macros) lines.Append("#define ").Append(macro).Append(' ').Append(text).Append('\n');
        return new OpenClProgram(name, lines.ToString());
    }

#pragma warning disable RS0030 // the library's own resources, which trimming keeps
    private static string FileText(string name) => Files.GetOrAdd(name, static name =>
    {
        using Stream stream = typeof(OpenClProgram).Assembly.GetManifestResourceStream($"Thomas.Kernels.OpenCl.{name}.cl")
            ?? throw new FileNotFoundException($"The library has no OpenCL source '{name}.cl'.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    });
#pragma warning restore RS0030
}
