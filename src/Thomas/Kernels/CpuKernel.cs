using System;
using Thomas.Kernels.Copy;

namespace Thomas.Kernels;

/// <summary>
/// One bound kernel call of an executable: created at compile time, when it says what memory it needs; given that memory once; run every step without
/// allocating.
/// </summary>
internal abstract unsafe class CpuKernel : DeviceKernel, IParallelWork
{
    /// <summary>
    /// Keeps the address of the constants, once, before <see cref="Bind"/>. The kernels of several executables share what one of them has packed.
    /// </summary>
    /// <param name="memory"><see cref="DeviceKernel.ConstantBytes"/> bytes, 64-byte aligned.</param>
    /// <param name="pack">Whether they are still to be filled.</param>
    public virtual void UseConstants(byte* memory, bool pack)
    {
    }

    /// <summary>How many phases one call has; a phase starts when the one before has ended on all threads.</summary>
    public virtual int Phases => 1;

    /// <summary>
    /// Elements of an item where item i reads and writes of every operand that is as large as the result its elements from i * PieceElements on, and of the
    /// others nothing that any item writes; 0 where items are anything else.
    /// </summary>
    public virtual int PieceElements => 0;

    /// <summary>What a bound kernel makes that does nothing but convert its operand to 16-bit floats; none for all others.</summary>
    public virtual KeptCopy Copy => default;

    /// <summary>Asks a bound kernel to make a copy of its first result in each run from now on. False if it cannot.</summary>
    public virtual bool TryKeep(KeptCopy copy) => false;

    /// <summary>Sets the memory. Operand pointers are in the operator's order; constants that were packed at creation may be null.</summary>
    public abstract void Bind(ReadOnlySpan<nint> inputs, ReadOnlySpan<nint> outputs, byte* workspace, int threads);

    /// <summary>How many independent items the phase has; 0 skips it.</summary>
    public abstract int Items(int phase);

    /// <inheritdoc/>
    public abstract void Run(int phase, int begin, int end, int thread);
}

/// <summary>What kernels are told when they are created.</summary>
/// <param name="Threads">Threads of the team that will run them.</param>
/// <param name="Blocks">How matrix products cut their work.</param>
internal sealed record CpuKernelContext(int Threads, BlockSizes Blocks);
