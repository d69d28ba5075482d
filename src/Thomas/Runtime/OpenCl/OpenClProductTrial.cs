using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;

namespace Thomas.Runtime.OpenCl;

/// <summary>A product on made-up numbers in buffers of its own, to be computed in several ways: how long each takes, and whether the results agree.</summary>
internal sealed class OpenClProductTrial : IProductTrial
{
    private const int PatternFloats = 65521;

    private readonly OpenClDevice _device;
    private readonly Product _product;
    private readonly int _pieces;
    private readonly DeviceMemory _memory;
    private readonly List<MemorySpan> _inputs = [];
    private readonly HalfOperands _halves;
    private readonly MemorySpan _output;
    private readonly Node _node;
    private DeviceMemory? _workspace;

    /// <summary>Takes memory and fills it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="product">The product.</param>
    /// <param name="pieces">How many launches each of its launches is; null for what the device's speed asks for.</param>
    /// <exception cref="NotEnoughMemoryException">The device has not enough.</exception>
    public OpenClProductTrial(OpenClDevice device, Product product, int? pieces = null)
    {
        _device = device;
        _pieces = pieces ?? device.Speed.Pieces(product);
        (long sizeC, long bytes) = (product.SizeC, 0);
        List<(long Offset, long Elements, bool IsHalf)> operands = [];
        LaunchArgument a = Take(product.A, product.SizeA, product.Halves.A), b = Take(product.B, product.SizeB, product.Halves.B);
        LaunchArgument? bias = product.Bias is LaunchArgument one ? Take(one, (long)product.Count * product.N, isHalf: false) : null;
        LaunchArgument? residual = product.Residual is LaunchArgument added ? Take(added, sizeC, product.Halves.Residual) : null;

        // Constants are packed before the first step, so the time for that does not count; here it would.
        _product = product with { A = a, B = b, C = LaunchArgument.Output(), Bias = bias, Residual = residual };
        long output = bytes;
        _memory = device.Allocate(bytes + (SizeOf(product.Halves.C) * sizeC));
        ulong halves = 0;
        foreach ((long offset, long elements, bool isHalf) in operands)
        {
            halves |= isHalf ? 1UL << _inputs.Count : 0;
            _inputs.Add(new MemorySpan(_memory, offset, SizeOf(isHalf) * elements));
            Fill(_inputs[^1], isHalf);
        }

        _halves = new HalfOperands(halves, product.Halves.C ? 1UL : 0);
        _output = new MemorySpan(_memory, output, SizeOf(product.Halves.C) * sizeC);
        GraphBuilder builder = new();
        _node = builder.AddNode(OpCatalog.Reshape, [builder.Input("x", new TensorType(DType.F32, new Shape(1)))], new ReshapeAttributes(new IntList(1)));

        LaunchArgument Take(LaunchArgument argument, long elements, bool isHalf)
        {
            operands.Add((bytes, elements + (argument.Value / SizeOf(isHalf)), isHalf));
            bytes += Up((SizeOf(isHalf) * elements) + argument.Value, device.Alignment);
            return argument with { Kind = LaunchArgumentKind.Input, Index = operands.Count - 1 };
        }
    }

    /// <inheritdoc/>
    public void Prepare(ProductChoice choice)
    {
        foreach (OpenClLaunch launch in KernelOf(choice).Launches) _device.Programs.Start(launch.Program);
    }

    /// <inheritdoc/>
    public double? Measure(ProductChoice choice, double hopeless, int rounds)
    {
        const double RoundSeconds = 0.002;
        const int MostRuns = 100;
        if (Bind(choice) is not OpenClSegment segment) return null;
        Time(segment, 1);
        double least = Time(segment, 1);
        int runs = (int)Math.Clamp(RoundSeconds / Math.Max(least, 1e-6), 1, MostRuns);
        for (int round = 0; round < rounds && (round == 0 || least < hopeless); round++) least = Math.Min(least, Time(segment, runs) / runs);
        return least;
    }

    /// <inheritdoc/>
    public float[]? ResultOf(ProductChoice choice)
    {
        if (Bind(choice) is not OpenClSegment segment) return null;
        _memory.Clear(_output.Offset, _output.Bytes);
        segment.RunOne(0);
        float[] result = new float[_product.SizeC];
        if (!_product.Halves.C)
        {
            _memory.Read(_output.Offset, MemoryMarshal.AsBytes(result.AsSpan()));
            return result;
        }

        Half[] stored = new Half[result.Length];
        _memory.Read(_output.Offset, MemoryMarshal.AsBytes(stored.AsSpan()));
        for (int i = 0; i < stored.Length; i++) result[i] = (float)stored[i];
        return result;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _device.Finish();
        _workspace?.Dispose();
        _memory.Dispose();
    }

    private OpenClKernel KernelOf(ProductChoice choice) => ProductLaunches.Create("trial", _product, choice, _device.Limits).Storing(_halves)!;

    private OpenClSegment? Bind(ProductChoice choice)
    {
        OpenClKernel kernel = KernelOf(choice);
        if (!_device.IsReady(kernel)) return null;
        long bytes = kernel.Workspace + Up(kernel.Constants, _device.Alignment);
        if (bytes > (_workspace?.SizeBytes ?? 0))
        {
            _workspace?.Dispose();
            _workspace = null;
            _workspace = _device.Allocate(bytes);
        }

        MemorySpan constants = new(_workspace, 0, kernel.Constants), workspace = new(_workspace, Up(kernel.Constants, _device.Alignment), kernel.Workspace);
        return new OpenClSegment(_device, [new PlacedKernel(kernel, _node, [.. _inputs], [_output], workspace, constants, Packs: true)], _pieces);
    }

    private double Time(OpenClSegment segment, int runs)
    {
        _device.Finish();
        long start = Stopwatch.GetTimestamp();
        for (int run = 0; run < runs; run++) segment.RunOne(0);
        _device.Finish();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Numbers from -1 to 1, made once and then copied from each to twice as many.</summary>
    private void Fill(MemorySpan operand, bool isHalf)
    {
        Rng random = new((ulong)_inputs.Count);
        float[] pattern = new float[(int)Math.Min(PatternFloats, operand.Bytes / SizeOf(isHalf))];
        foreach (ref float number in pattern.AsSpan()) number = random.Uniform(-1, 1);
        _memory.Write(
            operand.Offset,
            isHalf ? MemoryMarshal.AsBytes(Array.ConvertAll(pattern, static number => (Half)number).AsSpan()) : MemoryMarshal.AsBytes(pattern.AsSpan()));
        for (long done = pattern.Length * SizeOf(isHalf); done < operand.Bytes; done += done)
            _memory.CopyTo(operand.Offset, _memory, operand.Offset + done, Math.Min(done, operand.Bytes - done));
    }

    private static long SizeOf(bool isHalf) => isHalf ? sizeof(ushort) : sizeof(float);

    private static long Up(long value, long step) => (value + step - 1) / step * step;
}
