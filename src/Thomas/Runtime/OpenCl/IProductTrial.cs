using System;
using Thomas.Kernels.OpenCl;

namespace Thomas.Runtime.OpenCl;

/// <summary>A product that is computed in several ways to see how long each takes.</summary>
internal interface IProductTrial : IDisposable
{
    /// <summary>Begins to build what a way needs, without waiting for it.</summary>
    void Prepare(ProductChoice choice);

    /// <summary>Seconds that a product takes, the least of some rounds; the first run does not count.</summary>
    /// <param name="choice">How it is computed.</param>
    /// <param name="hopeless">Seconds after which more rounds are of no use.</param>
    /// <param name="rounds">Rounds.</param>
    /// <returns>The seconds; null if the device cannot do it in this way.</returns>
    double? Measure(ProductChoice choice, double hopeless, int rounds);

    /// <summary>The result, computed in one of the ways; null if the device cannot do it in this way.</summary>
    float[]? ResultOf(ProductChoice choice);
}
