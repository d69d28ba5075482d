using System;
using System.IO;

namespace Thomas.Cli.Output;

/// <summary>Checks of the place for the result, before hours of work go into it.</summary>
internal static class OutputFile
{
    /// <summary>Throws unless a model can be written to the path.</summary>
    /// <param name="path">Where the result is to be.</param>
    /// <param name="source">The model file that was read, which must stay as it is.</param>
    /// <exception cref="OutputException">It cannot; the message says what to do.</exception>
    public static void Check(string path, string source)
    {
        Check(path);
        if (RealPath(Path.GetFullPath(path)).Equals(RealPath(Path.GetFullPath(source)), OperatingSystem.IsLinux() ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase))
            throw new OutputException($"The output '{path}' is the model that is read; give another name, so that the original stays as it is.");
        CheckSpace(path, Path.GetDirectoryName(Path.GetFullPath(path))!, new FileInfo(source).Length);
    }

    /// <summary>Throws unless a model can be written to the path.</summary>
    /// <param name="path">Where the result is to be.</param>
    /// <exception cref="OutputException">It cannot; the message says what to do.</exception>
    public static void Check(string path)
    {
        if (Path.GetExtension(path).ToUpperInvariant() is not (".ONNX" or ".TFLITE"))
            throw new OutputException($"Cannot tell the format of the output '{path}' from its ending; use .tflite or .onnx.");
        if (Directory.Exists(path)) throw new OutputException($"The output '{path}' is a folder; give the name of a file.");
        string full = Path.GetFullPath(path);
        string folder = Path.GetDirectoryName(full)!;
        if (!Directory.Exists(folder)) throw new OutputException($"The folder of the output '{path}' does not exist; make it first.");
        TryWriting(path, full, folder);
    }

    /// <summary>Saves what hours of work may have gone into. Where that fails although it was checked before, the temporary folder keeps it.</summary>
    /// <param name="save">Saves to a path.</param>
    /// <param name="output">Where to; where it is instead, if that failed.</param>
    /// <returns>Why it is not where it should be; null if it is.</returns>
    public static OutputException? SaveOrRescue(Action<string> save, ref string output)
    {
        try
        {
            save(output);
            return null;
        }
        catch (OutputException e)
        {
            string rescue = Path.Combine(Path.GetTempPath(), $"{Path.GetFileNameWithoutExtension(output)}-{Environment.ProcessId}{Path.GetExtension(output)}");
            save(rescue);
            output = rescue;
            return e;
        }
    }

    private static void TryWriting(string path, string full, string folder)
    {
        try
        {
            string probe = Path.Combine(folder, $".{Path.GetFileName(full)}.{Environment.ProcessId}.probe");
            using FileStream stream = new(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"Cannot write '{path}': {e.Message}", e);
        }
    }

    // The result is about as large as the model that was read. Where the system does not say how much is free, writing itself will tell.
    private static void CheckSpace(string path, string folder, long needed)
    {
        long free;
        try
        {
            free = new DriveInfo(folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return;
        }

        if (free < needed) throw new OutputException($"Cannot write '{path}': {Format.Bytes(free)} are free on its disk and about {Format.Bytes(needed)} are needed.");
    }

    private static string RealPath(string path)
    {
        try
        {
            return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        }
        catch (IOException)
        {
            return path;
        }
    }
}
