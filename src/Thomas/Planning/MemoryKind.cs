namespace Thomas.Planning;

/// <summary>What a stretch of an arena holds.</summary>
public enum MemoryKind
{
    /// <summary>What is fed from outside: images, targets, weights of the loss, the control vector.</summary>
    Input,

    /// <summary>A forward result that only the forward pass reads.</summary>
    Activation,

    /// <summary>A forward result that is kept for the backward pass.</summary>
    SavedActivation,

    /// <summary>A forward result that was dropped and is computed again.</summary>
    Recomputed,

    /// <summary>A result of the backward pass, or of updates. One that overwrites an activation counts as that activation.</summary>
    Gradient,

    /// <summary>Scratch memory of a kernel.</summary>
    Workspace,
}
