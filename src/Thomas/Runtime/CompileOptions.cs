using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Runtime;

/// <summary>What computes.</summary>
public enum DeviceKind
{
    /// <summary>SIMD kernels on a thread team.</summary>
    Cpu,

    /// <summary>The scalar definition of every operator, one thread: the baseline and the oracle.</summary>
    Serial,

    /// <summary>
    /// A device that is reached through OpenCL, mostly a GPU. What it has no kernels for runs on the CPU, and is carried there and back. The numbers of the
    /// devices are those that <c>thomas devices</c> shows.
    /// </summary>
    OpenCl,

    /// <summary>
    /// The CPU and a device that is reached through OpenCL together: each step of training is split between them by images, and both work at the same time. All
    /// else, such as inference, runs on the OpenCL device alone. Batch normalization must be frozen, since each part would have statistics of its own.
    /// </summary>
    Hybrid,
}

/// <summary>How the sums of 8-bit layers are rounded to the steps of their results. Runtimes differ in the last step of a few results in a thousand.</summary>
public enum QuantizedRounding
{
    /// <summary>
    /// One product in float32, halves to even: what applications of TensorFlow Lite compute, whose layers run in XNNPACK, and what ONNX Runtime computes.
    /// </summary>
    Float,

    /// <summary>A 32-bit fixed-point product and a shift, each rounded: TensorFlow Lite's built-in kernels (Jacob et al. 2018, arXiv 1712.05877).</summary>
    FixedPoint,
}

/// <summary>How a graph is compiled.</summary>
public sealed record CompileOptions
{
    /// <summary>What computes.</summary>
    public DeviceKind Device { get; init; }

    /// <summary>
    /// Which device of <see cref="DeviceKind.OpenCl"/> or <see cref="DeviceKind.Hybrid"/>; null for the first GPU that is fit, or, where there is none, the
    /// first device that is.
    /// </summary>
    public int? DeviceNumber { get; init; }

    /// <summary>
    /// Share of the images of a step that the OpenCL device takes with <see cref="DeviceKind.Hybrid"/>, above 0 and below 1; the CPU takes the others, and each
    /// at least one. Null to divide them by speed, which is measured when training begins. The share changes the last bits of results.
    /// </summary>
    public double? DeviceShare { get; init; }

    /// <summary>
    /// How a device of <see cref="DeviceKind.OpenCl"/> is used: words between blanks, which docs/opencl.md explains. Empty for what is best.
    /// </summary>
    public string DeviceSettings { get; init; } = "";

    /// <summary>
    /// Folder where the built programs of a device of <see cref="DeviceKind.OpenCl"/> are kept, and the times of devices that were compared; null to build and
    /// time in each process.
    /// </summary>
    public string? DeviceCache { get; init; }

    /// <summary>A device without a <see cref="DeviceKind"/>, which computes instead; null for none.</summary>
    internal Device? OtherDevice { get; init; }

    /// <summary>These options for work that is not split: on the OpenCL device alone instead of both.</summary>
    internal CompileOptions Unsplit => Device == DeviceKind.Hybrid ? this with { Device = DeviceKind.OpenCl } : this;

    /// <summary>Threads of the CPU device; 0 takes the machine's performance cores.</summary>
    public int Threads { get; init; }

    /// <summary>
    /// Rows of the blocks that matrix products are cut into (the GEMM's MC), about; 0 chooses by the size of the second-level cache. Changes how fast they are,
    /// no bit of a result.
    /// </summary>
    public int BlockRows { get; init; }

    /// <summary>
    /// Up to so many bytes of weights a matrix product reads anew for each row of tiles, writing its result from front to back; larger ones it keeps panel by
    /// panel in the first-level cache. 0 chooses by the size of the second-level cache. Changes how fast they are, no bit of a result.
    /// </summary>
    public int BlockPanelBytes { get; init; }

    /// <summary>How the sums of 8-bit layers are rounded.</summary>
    public QuantizedRounding QuantizedRounding { get; init; }

    /// <summary>Whether values share memory. Off only to prove that sharing changes no result.</summary>
    public bool ShareMemory { get; init; } = true;

    /// <summary>Whether the backward pass may run in another order that needs less memory. Off only to prove that the order changes no result.</summary>
    public bool Reorder { get; init; } = true;

    /// <summary>
    /// Bytes that the arena should not exceed; null for no bound. To stay below, forward results are dropped and computed again in the backward pass, the
    /// cheapest for their bytes first. Where that cannot do it, the arena is the smallest that was found; the plan says how large.
    /// </summary>
    public long? ArenaBytes { get; init; }

    /// <summary>
    /// F16 or BF16: the type in which results of the forward pass are kept for the backward pass; null for their own. See <see cref="Planning.KeptHalves"/>.
    /// </summary>
    internal DType? KeptAs { get; init; }

    /// <summary>Names of compile passes to leave out, to prove that they change no result beyond rounding.</summary>
    public IReadOnlyCollection<string> PassesOff { get; init; } = [];
}
