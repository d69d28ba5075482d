using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Thomas.Formats.Onnx.Proto;

namespace Thomas.Formats.Onnx;

/// <summary>
/// The files beside a model in which exporters keep weights. Each is read once and its tensors borrow from it. A path may not leave the model's folder,
/// by its own words or by a link.
/// </summary>
internal sealed class ExternalData
{
    private const int MaximumLinks = 32;

    private readonly string _model;
    private readonly string? _folder;
    private readonly Dictionary<string, byte[]> _files = new(StringComparer.Ordinal);

    /// <param name="model">The model's name in messages.</param>
    /// <param name="folder">Where the files are; null where the model came without a place.</param>
    public ExternalData(string model, string? folder)
    {
        _model = model;
        _folder = folder;
    }

    /// <summary>Bytes of all files that were read.</summary>
    public long BytesRead { get; private set; }

    /// <summary>The bytes of a tensor.</summary>
    /// <param name="tensor">The tensor, whose data is in another file.</param>
    /// <param name="place">What messages call it.</param>
    /// <param name="bytes">How long it is; the file may say so too.</param>
    /// <exception cref="ModelFormatException">The file is missing, lies elsewhere, or is too short.</exception>
    public ReadOnlyMemory<byte> Read(TensorProto tensor, string place, long bytes)
    {
        string? location = null;
        long offset = 0, length = bytes;
        foreach (StringStringEntryProto entry in tensor.ExternalData)
        {
            switch (entry.Key)
            {
                case "location": location = entry.Value; break;
                case "offset": offset = Number(entry, place); break;
                case "length": length = Number(entry, place); break;
                default: break;
            }
        }

        if (string.IsNullOrEmpty(location)) throw new ModelFormatException(_model, place, "its weights are in another file, but the model does not name it");
        byte[] file = Open(location, place);
        if (offset > file.Length || length > file.Length - offset)
        {
            throw new ModelFormatException(
                _model, place,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"its weights are bytes {offset} to {offset + length} of '{location}', which has {file.Length}; the two files do not belong together, "
                    + $"or the second is cut off"));
        }

        return file.AsMemory((int)offset, (int)length);
    }

    private long Number(StringStringEntryProto entry, string place) =>
        long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number <= long.MaxValue / 2
            ? number
            : throw new ModelFormatException(_model, place, $"the {entry.Key} of its weights is '{entry.Value}'");

    private byte[] Open(string location, string place)
    {
        if (_files.TryGetValue(location, out byte[]? known)) return known;
        string[] parts = location.Split('/', '\\');
        foreach (string part in parts)
        {
            // An empty part begins an absolute path, a colon stands in a path that names a drive.
            if (part is "" or ".." || part.Contains(':', StringComparison.Ordinal) || part.Contains('\0', StringComparison.Ordinal))
            {
                throw new ModelFormatException(_model, place, $"the model says its weights are in '{location}'; only files in the model's own folder are read");
            }
        }

        if (_folder is null)
        {
            throw new ModelFormatException(
                _model, place,
                $"its weights are in a second file, '{location}'; load the model by its path with that file next to it, or give the folder "
                + $"(ModelLoadOptions.DataFolder)");
        }

        string folder = Path.GetFullPath(_folder), path = Path.Combine([folder, .. parts]);
        if (!Path.Exists(path))
        {
            throw new ModelFormatException(
                _model, place, $"its weights are in a second file, '{location}', which is not in '{folder}'; put both files in one folder");
        }

        string real = Followed(path, place), root = Followed(folder, place);
        if (!real.StartsWith(root.EndsWith(Path.DirectorySeparatorChar) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal))
        {
            throw new ModelFormatException(
                _model, place,
                $"'{location}', which holds its weights, is a link to '{real}'; only files in the model's own folder are read, so put a copy there");
        }

        byte[] bytes = InputFile.Read(real, "weights");
        BytesRead += bytes.Length;
        _files.Add(location, bytes);
        return bytes;
    }

    /// <summary>The path with every link in it followed.</summary>
    private string Followed(string path, string place)
    {
        string done = Path.GetPathRoot(path)!;
        Stack<string> left = new();
        Push(path[done.Length..]);
        for (int links = 0; left.Count > 0;)
        {
            string next = Path.Combine(done, left.Pop());
            if (new FileInfo(next).LinkTarget is not string target)
            {
                done = next;
                continue;
            }

            if (++links > MaximumLinks) throw new ModelFormatException(_model, place, $"'{path}' leads through too many links");
            string full = Path.GetFullPath(target, done);
            done = Path.GetPathRoot(full)!;
            Push(full[done.Length..]);
        }

        return done;

        void Push(string tail)
        {
            string[] parts = tail.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
            for (int i = parts.Length - 1; i >= 0; i--) left.Push(parts[i]);
        }
    }
}
