namespace Thomas.Kernels;

/// <summary>What runs a node on a device: chosen at compile time, when it says what memory it needs, and bound to that memory once.</summary>
internal abstract class DeviceKernel
{
    /// <summary>dtype_kernel_tile__tier, as logs and profiles show it.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes of constants in the kernel's own layout, which live as long as the kernel.</summary>
    public virtual long ConstantBytes => 0;

    /// <summary>Scratch bytes that the kernel wants; valid only while it runs.</summary>
    /// <param name="threads">Threads of the team that runs the host's kernels; the kernels of other devices ignore it.</param>
    public virtual long WorkspaceBytes(int threads) => 0;
}
