using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Thomas.Studio.Http;

/// <summary>What answers a request.</summary>
internal delegate Task RequestHandler(StudioRequest request);

/// <summary>The calls of the API by method and path. A segment <c>*</c> of a path fits anything, and its handler is given it.</summary>
internal sealed class Routes
{
    private readonly List<(string Method, string[] Path, RequestHandler Handler)> _routes = [];

    /// <summary>All of them, for the documentation and for tests.</summary>
    public IEnumerable<(string Method, string Path)> All
    {
        get
        {
            foreach ((string method, string[] path, _) in _routes) yield return (method, string.Join('/', path));
        }
    }

    public void Add(string method, string path, RequestHandler handler) => _routes.Add((method, path.Split('/'), handler));

    /// <summary>Finds what answers.</summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path behind <c>/api/</c>.</param>
    /// <param name="parts">What stands for the stars.</param>
    /// <exception cref="StudioException">There is no such call.</exception>
    public RequestHandler Find(string method, string path, out string[] parts)
    {
        string[] segments = path.Split('/');
        bool isKnown = false;
        foreach ((string itsMethod, string[] pattern, RequestHandler handler) in _routes)
        {
            if (!Fits(pattern, segments, out parts)) continue;
            if (itsMethod == method) return handler;
            isKnown = true;
        }

        throw isKnown
            ? new StudioException(405, ErrorCode.Method, $"This call does not know the method {VisibleText.Of(method)}.")
            : StudioException.NotFound("There is no such call.");
    }

    private static bool Fits(string[] pattern, string[] segments, out string[] parts)
    {
        parts = [];
        if (pattern.Length != segments.Length) return false;
        for (int i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] == "*") parts = [.. parts, segments[i]];
            else if (!pattern[i].Equals(segments[i], StringComparison.Ordinal)) return false;
        }

        return true;
    }
}
