using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels;
using Thomas.Passes;
using Thomas.Runtime;

namespace Thomas.Tests.Harness;

/// <summary>
/// A device with memory of its own, of which the engine gets no pointer, and with a queue: nothing that is put there happens before somebody waits. So a read
/// that does not wait, a write that keeps the caller's span, and memory that is freed too early all show. Its kernels are the host's, on its own memory.
/// </summary>
/// <param name="kernels">Where its kernels come from.</param>
/// <param name="isMissing">Whether it has no kernel for an operator; null for none missing.</param>
internal sealed unsafe class MockDevice(HostDevice kernels, Func<Op, bool>? isMissing = null) : Device
{
    private readonly Queue<Action> _queue = new();
    private readonly Lock _lock = new();

    /// <summary>Kernels that were created.</summary>
    public int Created { get; private set; }

    /// <summary>How often a wait found work in the queue.</summary>
    public int Waits { get; private set; }

    /// <summary>Copies from the host and to it.</summary>
    public (int Writes, int Reads) Copies { get; private set; }

    /// <summary>Bytes of memory that are not freed.</summary>
    public long Bytes { get; private set; }

    /// <summary>Work in the queue.</summary>
    public int Pending
    {
        get
        {
            lock (_lock) return _queue.Count;
        }
    }

    public override string Name => "mock";

    public override string Identity => "Mock";

    public override long Alignment => 512;

    /// <summary>Whether passes that pay in the caches of a CPU run for it as well.</summary>
    public bool HasCaches { get; init; }

    /// <summary>A mock that runs the scalar definitions, and leaves what it has no kernels for to the serial device.</summary>
    public static MockDevice Serial(params Op[] missing) => new(new SerialDevice(1), op => Array.IndexOf(missing, op) >= 0);

    /// <summary>Lets the next work in the queue fail.</summary>
    public void FailOnce(Exception error) => Enqueue(() => throw error);

    public override HostDevice Fallback(CompileOptions options, int threads) => kernels;

    public override bool Wants(CompilePass pass) => (HasCaches || !pass.ForCpuCaches) && !pass.ForOpenCl;

    public override DeviceKernel? CreateKernel(Node node)
    {
        if (isMissing?.Invoke(node.Op) == true) return null;
        Created++;
        return new Kernel((CpuKernel)kernels.CreateKernel(node)!);
    }

    public override DeviceMemory Allocate(long bytes) => new Memory(this, bytes);

    public override bool Owns(DeviceMemory memory) => memory is Memory own && ReferenceEquals(own.Device, this);

    public override Segment Bind(IReadOnlyList<PlacedKernel> placed, ThreadTeam team)
    {
        // Kernels pack constants, which are still on their way.
        PlacedKernel[] all = [.. placed];
        Enqueue(() =>
        {
            foreach (PlacedKernel one in all)
            {
                CpuKernel kernel = ((Kernel)one.Kernel).Inner;
                kernel.UseConstants(Address(one.Constants), one.Packs);
                kernel.Bind(Addresses(one.Inputs), Addresses(one.Outputs), Address(one.Workspace), kernels.Threads);
            }
        });
        return new Calls(this, all);
    }

    public override void Finish()
    {
        lock (_lock)
        {
            if (_queue.Count > 0) Waits++;
            while (_queue.TryDequeue(out Action? work)) work();
        }
    }

    private void Enqueue(Action work)
    {
        lock (_lock) _queue.Enqueue(work);
    }

    private static byte* Address(MemorySpan span) => span.Memory is null ? null : ((Memory)span.Memory).At(span.Offset, span.Bytes);

    private static nint[] Addresses(MemorySpan[] spans) => Array.ConvertAll(spans, static span => (nint)Address(span));

    private sealed class Kernel(CpuKernel inner) : DeviceKernel
    {
        public CpuKernel Inner => inner;

        public override string Name => $"{inner.Name}__mock";

        public override long ConstantBytes => inner.ConstantBytes;

        public override bool ReadsFloats(int input) => inner.ReadsFloats(input);

        public override bool WritesFloats => inner.WritesFloats;

        public override long WorkspaceBytes(int threads) => inner.WorkspaceBytes(threads);
    }

    private sealed class Calls(MockDevice device, PlacedKernel[] kernels) : Segment
    {
        public override IReadOnlyList<Node> Nodes { get; } = Array.ConvertAll(kernels, static kernel => kernel.Node);

        public override string NameOf(int index) => kernels[index].Kernel.Name;

        public override void Run()
        {
            for (int i = 0; i < kernels.Length; i++) RunOne(i);
        }

        public override void Dispose()
        {
        }

        public override void RunOne(int index)
        {
            CpuKernel kernel = ((Kernel)kernels[index].Kernel).Inner;
            device.Enqueue(() =>
            {
                for (int phase = 0; phase < kernel.Phases; phase++)
                {
                    int items = kernel.Items(phase);
                    if (items > 0) kernel.Run(phase, 0, items, 0);
                }
            });
        }
    }

    private sealed class Memory : DeviceMemory
    {
        private byte* _pointer;

        public Memory(MockDevice device, long bytes)
        {
            (Device, SizeBytes) = (device, bytes);
            _pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), (nuint)device.Alignment);
            NativeMemory.Clear(_pointer, (nuint)bytes);
            lock (device._lock) device.Bytes += bytes;
        }

        public MockDevice Device { get; }

        public override long SizeBytes { get; }

        public byte* At(long offset, long bytes)
        {
            ObjectDisposedException.ThrowIf(_pointer == null, this);
            ArgumentOutOfRangeException.ThrowIfNegative(offset);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(offset + bytes, SizeBytes);
            return _pointer + offset;
        }

        public override void Write(long offset, ReadOnlySpan<byte> source)
        {
            byte[] copy = source.ToArray();
            Device.Copies = (Device.Copies.Writes + 1, Device.Copies.Reads);
            Device.Enqueue(() => copy.CopyTo(new Span<byte>(At(offset, copy.Length), copy.Length)));
        }

        public override void Read(long offset, Span<byte> target)
        {
            Device.Finish();
            Device.Copies = (Device.Copies.Writes, Device.Copies.Reads + 1);
            new ReadOnlySpan<byte>(At(offset, target.Length), target.Length).CopyTo(target);
        }

        public override void CopyTo(long offset, DeviceMemory target, long targetOffset, long bytes) =>
            Device.Enqueue(() => Buffer.MemoryCopy(At(offset, bytes), ((Memory)target).At(targetOffset, bytes), bytes, bytes));

        public override void Swap(long offset, DeviceMemory other, long otherOffset, long bytes) => Device.Enqueue(() =>
        {
            Span<byte> a = new(At(offset, bytes), (int)bytes), b = new(((Memory)other).At(otherOffset, bytes), (int)bytes);
            for (int i = 0; i < a.Length; i++) (a[i], b[i]) = (b[i], a[i]);
        });

        public override void Clear(long offset, long bytes) => Device.Enqueue(() => NativeMemory.Clear(At(offset, bytes), (nuint)bytes));

        public override void Dispose()
        {
            if (_pointer == null) return;
            Device.Finish();
            NativeMemory.AlignedFree(_pointer);
            _pointer = null;
            lock (Device._lock) Device.Bytes -= SizeBytes;
        }
    }
}
