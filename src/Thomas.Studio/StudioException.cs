using System;
using System.Collections.Generic;
using Thomas.Training;

namespace Thomas.Studio;

/// <summary>A request cannot be done. The page translates the code; the message is for people whose language it does not speak.</summary>
internal sealed class StudioException(int status, string code, string message, IReadOnlyDictionary<string, long>? details = null) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>What is wrong, for programs.</summary>
    public string Code { get; } = code;

    /// <summary>Numbers that belong to it.</summary>
    public IReadOnlyDictionary<string, long>? Details { get; } = details;

    public static StudioException Bad(string message) => new(400, "badRequest", message);

    public static StudioException NotFound(string message) => new(404, "notFound", message);

    public static StudioException Conflict(string code, string message) => new(409, code, message);

    public static StudioException Cannot(string code, string message) => new(422, code, message);

    public static StudioException TooLarge(long limit, string code = "tooLarge") =>
        new(413, code, $"The file is larger than {ByteSize.Format(limit)}.", new Dictionary<string, long> { ["limit"] = limit });

    public static StudioException Busy() => new(503, "busy", "The studio is busy; try again in a moment.");

    public static StudioException NoRoom(string message) => new(507, "noRoom", message);

    /// <summary>What an error of the library means to who asked.</summary>
    public static StudioException Of(ThomasException error) => error switch
    {
        ImageFormatException => new(415, "notAnImage", error.Message),
        UnsupportedModelException => new(415, "modelUnsupported", error.Message),
        ModelFormatException => new(415, "notAModel", error.Message),
        DoesNotFitException => new(422, "doesNotFit", error.Message),
        NotEnoughMemoryException => new(507, "memory", error.Message),
        OutputException => new(507, "noRoom", error.Message),
        DataException => new(422, "data", error.Message),
        _ => new(422, "cannot", error.Message),
    };
}
