using System;
using System.IO;

namespace Thomas.Formats;

/// <summary>Reads whole files, with errors that name them.</summary>
internal static class InputFile
{
    /// <param name="path">The file.</param>
    /// <param name="kind">What it should be, for the message: "model", "weights".</param>
    /// <exception cref="ThomasException">The file cannot be read.</exception>
    public static byte[] Read(string path, string kind)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            throw new ThomasException($"Cannot read the {kind} '{path}': {e.Message}", e);
        }
    }

    /// <summary>Reads a stream from where it stands to its end; <paramref name="name"/> stands for the file in messages.</summary>
    /// <exception cref="ThomasException">The stream cannot be read.</exception>
    public static ReadOnlyMemory<byte> Read(Stream stream, string name, string kind)
    {
        try
        {
            // A stream that knows its length is read in one piece; a buffer that grows would copy the weights again and again.
            int length = stream.CanSeek ? checked((int)(stream.Length - stream.Position)) : 0;
            MemoryStream copy = new(length);
            stream.CopyTo(copy);
            return copy.GetBuffer().AsMemory(0, (int)copy.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException or OverflowException)
        {
            throw new ThomasException($"Cannot read the {kind} '{name}': {e.Message}", e);
        }
    }
}
