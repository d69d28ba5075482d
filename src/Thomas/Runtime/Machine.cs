using System;
using Thomas.Kernels;

namespace Thomas.Runtime;

/// <summary>The processor as the kernels of this process see it, for logs and reports.</summary>
public static class Machine
{
    /// <summary>Short name of the vector instructions in use, as in kernel names: avx512, avx2, neon, vector128 or scalar.</summary>
    public static string Tier => CpuFeatures.TierName;

    /// <summary>Bits of one vector of float32.</summary>
    public static int VectorBits => CpuFeatures.VectorLength * 32;

    /// <summary>One line: architecture, tier, vector width.</summary>
    public static string Description => CpuFeatures.Description;

    /// <summary>Logical processors that this process may use.</summary>
    public static int Processors => Environment.ProcessorCount;

    /// <summary>Processors among them that are not of the slower kind: the threads that are used unless told otherwise.</summary>
    public static int PerformanceProcessors => ThreadTeam.DefaultThreads;
}
