using System;
using System.Collections.Generic;
using System.IO;
using Thomas.Formats;
using Thomas.Formats.PyTorch;
using Thomas.Formats.Safetensors;
using Thomas.Formats.TfLite;

namespace Thomas;

/// <summary>
/// The tensors of a <c>.safetensors</c>, <c>.pt</c>, <c>.pth</c> or <c>.th</c> file. Such a file has no graph: <see cref="WeightLoader"/> puts the tensors
/// into one. Reading runs none of the code that a pickle may name. Immutable.
/// </summary>
public sealed class WeightFile
{
    private readonly Dictionary<string, NamedTensor> _byName = new(StringComparer.Ordinal);

    internal WeightFile(string name, WeightFormat format, IReadOnlyList<NamedTensor> tensors, IReadOnlyList<string> notes)
    {
        Name = name;
        Format = format;
        Tensors = tensors;
        Notes = notes;
        foreach (NamedTensor tensor in tensors) _byName.Add(tensor.Name, tensor);
    }

    /// <summary>Name of the file, for messages.</summary>
    public string Name { get; }

    /// <summary>The format that the contents were found to have.</summary>
    public WeightFormat Format { get; }

    /// <summary>The tensors in the order of the file, without the <c>module.</c> and <c>_orig_mod.</c> that wrappers put into names.</summary>
    public IReadOnlyList<NamedTensor> Tensors { get; }

    /// <summary>What a person should know about how the file was read: conversions, entries that were skipped.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Reads a weight file; the format is told by the contents.</summary>
    /// <param name="path">The file.</param>
    /// <param name="integers">Whether to hand out tensors of integers (64 and 32 bits, signed and unsigned 8 bits) and truth values too.</param>
    /// <param name="entry">
    /// The key of a checkpoint of PyTorch under which the weights are. Null chooses: averaged weights (<c>state_dict_ema</c>, <c>ema</c> ...), then
    /// <c>state_dict</c>, <c>model</c> and the like, then the only dict of tensors. Other formats have no such keys.
    /// </param>
    /// <exception cref="ModelFormatException">The file is damaged, names code, or holds elements that are not read; the message names the place.</exception>
    /// <exception cref="ThomasException">The file cannot be read.</exception>
    public static WeightFile Load(string path, bool integers = false, string? entry = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        return Load(InputFile.Read(path, "weights"), path, integers, entry);
    }

    /// <summary>
    /// Reads weights from a stream up to its end; <paramref name="name"/> stands for the file in messages. See <see cref="Load(string, bool, string)"/>.
    /// </summary>
    public static WeightFile Load(Stream stream, string name, bool integers = false, string? entry = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(stream);
        return Load(InputFile.Read(stream, name, "weights"), name, integers, entry);
    }

    /// <summary>The tensor of a name, or null.</summary>
    public NamedTensor? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _byName.GetValueOrDefault(name);
    }

    internal static WeightFile Load(ReadOnlyMemory<byte> file, string name, bool integers = false, string? entry = null)
    {
        if (file.Length == 0) throw new ModelFormatException(name, "byte 0", "the file is empty");
        WeightCollector collector = new(name, file.Length, integers);
        if (TfLiteReader.Recognizes(file.Span))
        {
            throw new ModelFormatException(name, "byte 0", "this is a model with its graph (.tflite), not a weight file; open it as a model");
        }

        // Safetensors come before pickles, because the length of a header may begin like one; byte 8 of a file of torch.save is never a brace.
        if (SafetensorsReader.Recognizes(file.Span)) return SafetensorsReader.Read(file, collector);
        if (TorchReader.Recognizes(file.Span)) return TorchReader.Read(file, collector, entry);
        string kind = FileKind.DescribeInsteadOf(file.Span, "a weight file") is string other ? $"{other}; " : "";
        throw new ModelFormatException(name, "byte 0", $"{kind}this is neither a safetensors file nor one that torch.save wrote (a zip archive or a pickle)");
    }
}
