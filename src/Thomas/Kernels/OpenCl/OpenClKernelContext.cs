using System;

namespace Thomas.Kernels.OpenCl;

/// <summary>What kernels are told when they are created.</summary>
/// <param name="Limits">Limits of the device.</param>
/// <param name="IsBroken">Whether a program is known to be of no use on it: an operator with more than one kernel then takes another.</param>
internal sealed record OpenClKernelContext(OpenClLimits Limits, Func<OpenClProgram, bool> IsBroken)
{
    /// <summary>Says how a product is computed, as measurements have shown; null, or what gives null, for the default.</summary>
    public Func<Product, ProductChoice?>? Choose { get; init; }
}
