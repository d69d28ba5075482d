using System.Runtime.CompilerServices;
using System;
using Thomas.Tests.Harness;

namespace Thomas.Tests.Kernels;

/// <summary>Sums in double with the sizes of their terms.</summary>
internal sealed class Sums(int count)
{
    private readonly double[] _value = new double[count];
    private readonly double[] _scale = new double[count];

    public void Add(int index, double term)
    {
        _value[index] += term;
        _scale[index] += Math.Abs(term);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Check(GuardedBuffer actual, int terms, string where)
    {
        for (int i = 0; i < _value.Length; i++)
            Tolerance.Check(actual.Span[i], _value[i], Tolerance.Sum(_scale[i] + 1, terms), $"{where} [{i}]");
    }
}
