using System.Text.Json;

namespace Thomas.Studio;

/// <summary>
/// What is wrong with a request, for programs: the API names it in camel case. The page has words for each in every language, under <c>error.</c> and that
/// name.
/// </summary>
internal enum ErrorCode
{
    /// <summary>The request makes no sense.</summary>
    BadRequest,

    /// <summary>A name is empty, too long or of several lines.</summary>
    NameInvalid,

    /// <summary>The token is missing or wrong.</summary>
    Unauthorized,

    /// <summary>It comes from another site, or uses an address a second time.</summary>
    Forbidden,

    /// <summary>It went to another host.</summary>
    Host,

    /// <summary>There is no such thing.</summary>
    NotFound,

    /// <summary>There is no such method.</summary>
    Method,

    /// <summary>It took too long.</summary>
    Timeout,

    /// <summary>A run is under way.</summary>
    RunActive,

    /// <summary>There is no run, or none with a result.</summary>
    NoRun,

    /// <summary>There is something of this name.</summary>
    NameTaken,

    /// <summary>A project has the model.</summary>
    ModelInUse,

    /// <summary>The starter cannot be deleted.</summary>
    StarterStays,

    /// <summary>Another download is under way.</summary>
    PullActive,

    /// <summary>There is no change to take back.</summary>
    NothingToUndo,

    /// <summary>There is no change to make again.</summary>
    NothingToRedo,

    /// <summary>The body is too large.</summary>
    TooLarge,

    /// <summary>The image is too large.</summary>
    ImageTooLarge,

    /// <summary>It is no image that can be read.</summary>
    NotAnImage,

    /// <summary>It is no model that can be read.</summary>
    NotAModel,

    /// <summary>The model has parts that are not known.</summary>
    ModelUnsupported,

    /// <summary>The model of the project is missing.</summary>
    NoModel,

    /// <summary>The model has no class names.</summary>
    NoLabels,

    /// <summary>Nothing is trained yet.</summary>
    NotTrained,

    /// <summary>There are fewer than two classes with images.</summary>
    TooFew,

    /// <summary>A class has one image only.</summary>
    TooFewOfClass,

    /// <summary>There are as many classes as there can be.</summary>
    TooManyClasses,

    /// <summary>It does not fit into the memory that was allowed.</summary>
    DoesNotFit,

    /// <summary>Nothing can be downloaded here.</summary>
    PullUnavailable,

    /// <summary>Something in the data makes it impossible.</summary>
    Data,

    /// <summary>It is impossible for another reason.</summary>
    Cannot,

    /// <summary>Too many requests wait.</summary>
    Busy,

    /// <summary>The memory is full.</summary>
    Memory,

    /// <summary>The disk is full, or cannot be written to.</summary>
    NoRoom,

    /// <summary>There are as many images as a project can have.</summary>
    TooManyImages,

    /// <summary>There are as many models as there can be.</summary>
    TooManyModels,

    /// <summary>There are as many projects as there can be.</summary>
    TooManyProjects,

    /// <summary>A fault of the program.</summary>
    Unexpected,
}

/// <summary>The name of a code in the API.</summary>
internal static class ErrorCodes
{
    public static string Name(this ErrorCode code) => JsonNamingPolicy.CamelCase.ConvertName(code.ToString());
}
