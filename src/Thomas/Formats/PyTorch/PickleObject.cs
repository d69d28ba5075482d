namespace Thomas.Formats.PyTorch;

/// <summary>
/// An object that is no tensor and no container: options of the run, a number of NumPy, a module. Nothing of its class is known or run; it is what the pickle
/// says about it.
/// </summary>
/// <param name="class">Its class or the function that would make it, as the pickle names it.</param>
internal sealed class PickleObject(string @class)
{
    /// <summary>The class or function, for messages.</summary>
    public string Class { get; } = @class;

    /// <summary>Its attributes, as a rule a dict; null where the pickle gives none.</summary>
    public object? State { get; set; }
}
