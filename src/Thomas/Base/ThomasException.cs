using System;
using System.Collections.Generic;
using System.Text;

namespace Thomas;

/// <summary>
/// Base of every error that Thomas raises about its input or its work. The message says what is wrong, where, and what to do, in one line; names from files are
/// quoted with their control and invisible characters as escapes, so that it may be shown on a terminal or written to a log.
/// </summary>
public class ThomasException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="innerException">The cause, if another exception led here.</param>
    public ThomasException(string message, Exception? innerException = null)
        : base(VisibleText.Of(message), innerException)
    {
    }
}

/// <summary>A model file is damaged or does not follow its format.</summary>
public class ModelFormatException : ThomasException
{
    /// <summary>Creates the exception; its message is <c>file: place: problem</c>.</summary>
    /// <param name="file">Name of the file or stream being read.</param>
    /// <param name="place">Where in it: a node, a tensor, a field, a byte offset. May be empty when the whole file is meant.</param>
    /// <param name="problem">What is wrong and what to do.</param>
    /// <param name="innerException">The cause, if another exception led here.</param>
    public ModelFormatException(string file, string place, string problem, Exception? innerException = null)
        : base(place.Length == 0 ? $"{file}: {problem}" : $"{file}: {place}: {problem}", innerException)
    {
        File = file;
        Place = place;
    }

    /// <summary>Name of the file or stream being read.</summary>
    public string File { get; }

    /// <summary>Where in the file; empty when the whole file is meant.</summary>
    public string Place { get; }
}

/// <summary>
/// A model file is well formed but uses operators that Thomas cannot run. All of them are listed at once. Derives from
/// <see cref="ModelFormatException"/> because a damaged operator code cannot be told from a new one.
/// </summary>
public sealed class UnsupportedModelException : ModelFormatException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">Name of the file or stream being read.</param>
    /// <param name="operators">Every operator that is not supported, each with whatever tells it apart (version, data type, attribute).</param>
    public UnsupportedModelException(string file, IReadOnlyList<string> operators)
        : base(file, "", Describe(operators))
    {
        Operators = [.. operators];
    }

    /// <summary>Every operator that is not supported.</summary>
    public IReadOnlyList<string> Operators { get; }

    private static string Describe(IReadOnlyList<string> operators)
    {
        StringBuilder text = new();
        text.Append("the model needs ");
        text.Append(operators.Count == 1 ? "an operator that is" : $"{operators.Count} operators that are");
        text.Append(" not supported: ").AppendJoin(", ", operators);
        text.Append(". docs/operators.md lists the supported ones; export the model without these, or for inference only.");
        return text.ToString();
    }
}

/// <summary>
/// Weights do not belong to a network. The message says it in one line; <see cref="Lines"/> has it for people, at most ten lines, the nearest match first.
/// </summary>
public sealed class WeightMismatchException : ModelFormatException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="file">Name of the weight file.</param>
    /// <param name="lines">What does not fit, most important first.</param>
    public WeightMismatchException(string file, IReadOnlyList<string> lines)
        : base(file, "", string.Join(". ", lines))
    {
        Lines = [.. lines];
    }

    /// <summary>What does not fit, one matter a line.</summary>
    public IReadOnlyList<string> Lines { get; }
}

/// <summary>Memory is short: the message says how much was needed and how much there is.</summary>
public sealed class NotEnoughMemoryException : ThomasException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What needed how much, and what to do.</param>
    /// <param name="neededBytes">Bytes that were needed in one piece.</param>
    /// <param name="innerException">The cause, if another exception led here.</param>
    public NotEnoughMemoryException(string message, long neededBytes, Exception? innerException = null)
        : base(message, innerException) => NeededBytes = neededBytes;

    /// <summary>Bytes that were needed in one piece.</summary>
    public long NeededBytes { get; }
}

/// <summary>A data set, a manifest or an image cannot be used.</summary>
public class DataException : ThomasException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="innerException">The cause, if another exception led here.</param>
    public DataException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>An image is broken, cut off, larger than allowed, or of a format that the decoder does not read.</summary>
public sealed class ImageFormatException : DataException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">Why the image is refused.</param>
    /// <param name="innerException">The cause, if another exception led here.</param>
    public ImageFormatException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}

/// <summary>A result cannot be written: the place is missing, not writable or full, or the format is not known. Nothing half-written is left behind.</summary>
public sealed class OutputException : ThomasException
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">What is wrong, where, and what to do.</param>
    /// <param name="innerException">The cause, if another exception led here.</param>
    public OutputException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }
}
