namespace Thomas.Kernels.Activations;

/// <summary>Which function an <see cref="Activation"/> is.</summary>
internal enum ActivationKind
{
    // In the order of ActivationCatalog, which has what is known about each.

    /// <summary>x.</summary>
    None,

    /// <summary>max(x, 0).</summary>
    Relu,

    /// <summary>min(max(x, 0), 6).</summary>
    Relu6,

    /// <summary>min(max(x, A), B).</summary>
    Clip,

    /// <summary>x for x >= 0, else A * x.</summary>
    LeakyRelu,

    /// <summary>1 / (1 + e^-x).</summary>
    Sigmoid,

    /// <summary>min(max(A * x + B, 0), 1).</summary>
    HardSigmoid,

    /// <summary>x * min(max(x + 3, 0), 6) / 6.</summary>
    HardSwish,

    /// <summary>x / (1 + e^-x).</summary>
    Silu,

    /// <summary>tanh x.</summary>
    Tanh,

    /// <summary>x * tanh(ln(1 + e^x)).</summary>
    Mish,
}
