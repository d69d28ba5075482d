namespace Thomas.Graphs;

/// <summary>The part of a training step that a node belongs to.</summary>
public enum Stage
{
    /// <summary>From images to the loss; all of an inference graph.</summary>
    Forward,

    /// <summary>Gradients.</summary>
    Backward,

    /// <summary>A forward node run again because its result was not kept.</summary>
    Recompute,

    /// <summary>Changes of variables.</summary>
    Update,
}
