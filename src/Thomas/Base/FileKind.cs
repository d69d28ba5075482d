using System;

namespace Thomas;

/// <summary>What a file is good for, roughly.</summary>
public enum FileFamily
{
    /// <summary>A network, with or without its weights.</summary>
    Model,

    /// <summary>Named tensors without a network.</summary>
    Weights,

    /// <summary>A still image.</summary>
    Image,

    /// <summary>Moving images or sound.</summary>
    Media,

    /// <summary>Other files, packed or compressed.</summary>
    Archive,

    /// <summary>Text: a web page, a pointer to a file elsewhere, a program.</summary>
    Text,

    /// <summary>Anything else that is known: a document, a program, a database.</summary>
    Other,
}

/// <summary>
/// What a file is, known by its first bytes (of archives by the names in them), so that a message can call a file that lies in the wrong place by its name: "an
/// HTML page", "a Keras model (HDF5)". The ending of the file's name is not looked at.
/// </summary>
/// <param name="Name">The kind with its article: "a PDF document".</param>
/// <param name="Family">What it is good for.</param>
/// <param name="Remedy">What to do where a model was wanted, as the rest of a sentence; null where nothing can be advised.</param>
public sealed record FileKind(string Name, FileFamily Family, string? Remedy = null)
{
    /// <summary>Recognizes a file.</summary>
    /// <param name="contents">The whole file. Its beginning is enough except for archives, whose table of contents is at the end.</param>
    /// <returns>The kind; null if it is not known.</returns>
    public static FileKind? Recognize(ReadOnlySpan<byte> contents) =>
        contents.IsEmpty ? null
        : FileSignatures.Match(contents)
            ?? TextKinds.Recognize(contents)
            ?? MessageKinds.Recognize(contents)
            ?? ZerosOrNull(contents);

    /// <summary>Why a file is no image, as a sentence with what to do; the name of the file comes before it in messages.</summary>
    /// <param name="contents">The whole file, which no decoder read.</param>
    /// <returns>The sentence; null if the file is an image of a kind that is usually read, or is not known.</returns>
    public static string? DescribeNotAnImage(ReadOnlySpan<byte> contents)
    {
        FileKind? kind = Recognize(contents);
        if (kind is null || ReferenceEquals(kind.Remedy, FileSignatures.Readable)) return null;
        string remedy = kind.Family switch
        {
            FileFamily.Image when kind.Name == FileSignatures.Heic => "convert it to JPEG; on an iPhone, Settings > Camera > Formats > Most Compatible takes "
                + "JPEG photos",
            FileFamily.Image => "such images are not supported; convert it to JPEG, PNG, WebP, GIF or BMP",
            FileFamily.Media => "extract single images from it, as JPEG or PNG",
            FileFamily.Archive => "unpack it and give the images inside",
            FileFamily.Model => "give the model before the images",
            FileFamily.Weights => "weights are read by 'thomas train ARCHITECTURE --weights FILE'",
            FileFamily.Text when kind.Remedy is not null => kind.Remedy,
            FileFamily.Text => "look at its contents; the image was probably not downloaded",
            _ => kind == Zeros ? Zeros.Remedy! : "give a JPEG, PNG, WebP, GIF or BMP file",
        };
        return kind.Family == FileFamily.Image ? $"This is {kind.Name}; {remedy}." : $"This is {kind.Name}, not an image; {remedy}.";
    }

    /// <summary>The kind and what to do, where something else was wanted: "this is a PDF document, not a list of class names".</summary>
    internal static string? DescribeInsteadOf(ReadOnlySpan<byte> contents, string wanted)
    {
        FileKind? kind = Recognize(contents);
        if (kind is null) return null;
        return kind.Family == FileFamily.Archive ? $"this is {kind.Name}, not {wanted}; unpack it first" : $"this is {kind.Name}, not {wanted}";
    }

    /// <summary>Recognizes a long file by its beginning alone: none of those that are known by what comes later.</summary>
    internal static FileKind? RecognizeStart(ReadOnlySpan<byte> start) =>
        FileSignatures.Match(start) is FileKind kind ? (kind.Family == FileFamily.Archive ? null : kind) : TextKinds.Recognize(start) ?? ZerosOrNull(start);

    private static FileKind? ZerosOrNull(ReadOnlySpan<byte> contents) =>
        contents[..Math.Min(contents.Length, 4096)].IndexOfAnyExcept((byte)0) < 0 ? Zeros : null;

    internal static FileKind Zeros { get; } = new("a file of zeros", FileFamily.Other, "the download or copy was not finished; fetch it again");
}
