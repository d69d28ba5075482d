using System;

namespace Thomas.Kernels.OpenCl;

/// <summary>What kernels are told when they are created.</summary>
/// <param name="Limits">Limits of the device.</param>
/// <param name="IsBroken">Whether a program is known to be of no use on it: an operator with more than one kernel then takes another.</param>
internal sealed record OpenClKernelContext(OpenClLimits Limits, Func<OpenClProgram, bool> IsBroken)
{
    /// <summary>Operands that lie in memory as 16-bit floats.</summary>
    public HalfOperands Halves { get; init; }

    /// <summary>Says how a product is computed, as measurements have shown; null, or what gives null, for the default.</summary>
    public Func<Product, ProductChoice?>? Choose { get; init; }

    /// <summary>Whether launches take their operands as they are stored, and none of their programs is known to be of no use.</summary>
    public bool CanUse(params ReadOnlySpan<OpenClLaunch> launches)
    {
        foreach (OpenClLaunch launch in launches)
        {
            if (launch.Storing(Halves) is not OpenClLaunch stored || IsBroken(stored.Program)) return false;
        }

        return true;
    }
}
