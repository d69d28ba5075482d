using System;
using System.Collections.Generic;
using System.IO;
using System.Reflection;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;

namespace Thomas.Studio.Http;

/// <summary>The files of the page. They are known by name beforehand: a path of a request is only ever compared with these names.</summary>
/// <param name="folder">A folder to serve them from as they are now; null for the program's own.</param>
internal sealed class StaticFiles(string? folder)
{
    private const string Prefix = "wwwroot/", Start = "index.html";

    private static readonly Lazy<Dictionary<string, byte[]>> Own = new(ReadOwn);

    private readonly string? _folder = folder is null ? null : Path.GetFullPath(folder);

    /// <summary>Answers with a file.</summary>
    /// <exception cref="StudioException">There is none of that name.</exception>
    public async Task Reply(HttpContext context)
    {
        HttpRequest request = context.Request;
        bool reads = HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);
        if (!reads) throw new StudioException(405, ErrorCode.Method, "Files can only be read.");
        string name = request.Path.Value is "/" or null ? Start : request.Path.Value[1..];
        byte[] file = Find(name) ?? throw StudioException.NotFound("There is no such page.");
        context.Response.ContentType = TypeOf(name);
        context.Response.ContentLength = file.Length;
        if (HttpMethods.IsGet(request.Method)) await context.Response.Body.WriteAsync(file, context.RequestAborted);
    }

    private byte[]? Find(string name)
    {
        if (_folder is null) return Own.Value.GetValueOrDefault(name);
        foreach (string path in Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetRelativePath(_folder, path).Replace('\\', '/') == name) return File.ReadAllBytes(path);
        }

        return null;
    }

    private static Dictionary<string, byte[]> ReadOwn()
    {
        Assembly assembly = typeof(StaticFiles).Assembly;
        Dictionary<string, byte[]> files = new(StringComparer.Ordinal);
        foreach (string resource in assembly.GetManifestResourceNames())
        {
            string name = resource.Replace('\\', '/');
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            using Stream stream = assembly.GetManifestResourceStream(resource)!;
            byte[] file = new byte[stream.Length];
            stream.ReadExactly(file);
            files.Add(name[Prefix.Length..], file);
        }

        return files;
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        ".png" => "image/png",
        ".ico" => "image/x-icon",
        ".json" => "application/json; charset=utf-8",
        ".webmanifest" => "application/manifest+json",
        ".woff2" => "font/woff2",
        ".txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    };
}
