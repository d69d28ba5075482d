namespace Thomas.Kernels;

/// <summary>What runs a node on a device: chosen at compile time, when it says what memory it needs, and bound to that memory once.</summary>
internal abstract class DeviceKernel
{
    /// <summary>dtype_kernel_tile__tier, as logs and profiles show it.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of constants in the kernel's own layout, which live as long as the kernel.</summary>
    public virtual long ConstantBytes => 0;

    /// <summary>
    /// Whether the kernel reads an operand as float32 numbers where it lies: then a constant of 16-bit floats is widened for it once. False where it reads
    /// elements of the operand's own type, or has packed a constant.
    /// </summary>
    /// <param name="input">Position of the operand.</param>
    public virtual bool ReadsFloats(int input) => true;

    /// <summary>Whether the kernel writes float32 numbers; false where it writes elements of the results' own types.</summary>
    public virtual bool WritesFloats => true;

    /// <summary>Scratch bytes that the kernel wants; valid only while it runs.</summary>
    /// <param name="threads">Threads of the team that runs the host's kernels; the kernels of other devices ignore it.</param>
    public virtual long WorkspaceBytes(int threads) => 0;
}
