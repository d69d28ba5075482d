using System;
using System.Collections.Generic;
using Thomas.Training;

namespace Thomas.Studio;

/// <summary>A request cannot be done. The page translates the code; the message is for people whose language it does not speak, and for the log.</summary>
internal sealed class StudioException(int status, ErrorCode code, string message, IReadOnlyDictionary<string, long>? details = null) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;

    /// <summary>What is wrong, for programs.</summary>
    public ErrorCode Code { get; } = code;

    /// <summary>Numbers that belong to it.</summary>
    public IReadOnlyDictionary<string, long>? Details { get; } = details;

    public static StudioException Bad(string message) => new(400, ErrorCode.BadRequest, message);

    public static StudioException NotFound(string message) => new(404, ErrorCode.NotFound, message);

    public static StudioException Conflict(ErrorCode code, string message) => new(409, code, message);

    public static StudioException Cannot(ErrorCode code, string message, long? limit = null) => new(422, code, message, Limit(limit));

    public static StudioException TooLarge(long limit, ErrorCode code = ErrorCode.TooLarge) =>
        new(413, code, $"The file is larger than {ByteSize.Format(limit)}.", Limit(limit));

    public static StudioException Busy() => new(503, ErrorCode.Busy, "The studio is busy; try again in a moment.");

    public static StudioException NoRoom(string message) => new(507, ErrorCode.NoRoom, message);

    /// <summary>There are as many of something as there can be.</summary>
    public static StudioException TooMany(ErrorCode code, string message, long limit) => new(507, code, message, Limit(limit));

    /// <summary>What an error of the library means to who asked.</summary>
    public static StudioException Of(ThomasException error) => error switch
    {
        ImageFormatException => new(415, ErrorCode.NotAnImage, error.Message),
        UnsupportedModelException => new(415, ErrorCode.ModelUnsupported, error.Message),
        ModelFormatException => new(415, ErrorCode.NotAModel, error.Message),
        DoesNotFitException => new(422, ErrorCode.DoesNotFit, error.Message),
        NotEnoughMemoryException => new(507, ErrorCode.Memory, error.Message),
        OutputException => new(507, ErrorCode.NoRoom, error.Message),
        DataException => new(422, ErrorCode.Data, error.Message),
        _ => new(422, ErrorCode.Cannot, error.Message),
    };

    private static Dictionary<string, long>? Limit(long? limit) => limit is long most ? new Dictionary<string, long> { ["limit"] = most } : null;
}
