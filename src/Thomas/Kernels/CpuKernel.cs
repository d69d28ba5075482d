using System;

namespace Thomas.Kernels;

/// <summary>
/// One bound kernel call of an executable: created at compile time, bound to memory once, run every step without allocating.
/// </summary>
internal abstract unsafe class CpuKernel : IParallelWork
{
    /// <summary>dtype_kernel_tile__tier, as logs and profiles show it.</summary>
    public abstract string Name { get; }

    /// <summary>Scratch bytes that the kernel wants for a team of so many threads; valid only while it runs.</summary>
    public virtual long WorkspaceBytes(int threads) => 0;

    /// <summary>How many phases one call has; a phase starts when the one before has ended on all threads.</summary>
    public virtual int Phases => 1;

    /// <summary>Sets the memory. Operand pointers are in the operator's order; constants that were packed at creation may be null.</summary>
    public abstract void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads);

    /// <summary>How many independent items the phase has; 0 skips it.</summary>
    public abstract int Items(int phase);

    /// <inheritdoc/>
    public abstract void Run(int phase, int begin, int end, int thread);
}

/// <summary>What kernels may ask for while they are created.</summary>
internal abstract unsafe class CpuKernelContext
{
    /// <summary>Threads of the team that will run the kernels.</summary>
    public abstract int Threads { get; }

    /// <summary>Memory for constants in a kernel's own layout, 64-byte aligned, owned by the executable.</summary>
    public abstract byte* AllocateConstant(long bytes);
}
