using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading;
using Thomas.Graphs;
using Thomas.Kernels.OpenCl;
using Thomas.Ops;

namespace Thomas.Runtime.OpenCl;

/// <summary>
/// Tries each program of a device before it is relied on: runs its functions on small operands and compares the results with the definition. One that computes
/// something else is given up, and its kernels are replaced. What was found is kept on disk for that device, driver and source.
/// </summary>
/// <param name="device">The device.</param>
/// <param name="settings">How it is used.</param>
internal sealed class OpenClSelfTest(OpenClDevice device, OpenClSettings settings)
{
    // What the definition may take: some milliseconds for each program.
    private const long MostWork = 24_000_000;

    // Of the largest result. Rounding is far below, wrong results are far above; functions of fast-math may have a thousand units in the last place.
    private const double Bound = 256.0 / (1 << 23), FastMathBound = 64;

    // What rounding to 16-bit floats adds: half a unit in the last place of the result, or of the smallest normal number.
    private const double HalfRounding = 1.0 / (1 << 11), LeastHalf = 1.0 / (1 << 14);

    // Of the largest result, where 8 terms at a time are added in 16 bits.
    private const double HalfSumsBound = 16 * HalfRounding;

    // Results are of about this size where all of them happen to be small: operands are of the order of 1.
    private const double Floor = 0.1;

    private readonly OpenClVerdicts? _record = settings.BinaryFolder is string folder ? new OpenClVerdicts(folder, device.Info, settings) : null;
    private readonly Dictionary<(OpenClProgram Program, string Function), bool> _known = [];
    private readonly List<OpenClVerdict> _verdicts = [];
    private readonly Lock _lock = new();
    private bool _ignoresRecord;

    /// <summary>Tries everything again that was tried before, in this process or in others, once it is needed.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _ignoresRecord = true;
            _known.Clear();
            _verdicts.Clear();
        }
    }

    /// <summary>What was found in this process.</summary>
    public IReadOnlyList<OpenClVerdict> Verdicts
    {
        get
        {
            lock (_lock) return [.. _verdicts];
        }
    }

    /// <summary>Tries what a kernel consists of, unless that was done before. Says whether it can be used.</summary>
    public bool Try(Node node, OpenClKernel kernel)
    {
        lock (_lock)
        {
            foreach (OpenClLaunch launch in kernel.Launches)
            {
                (OpenClProgram, string) key = (launch.Program, launch.Function);
                if (!_known.ContainsKey(key)) Decide(node, launch);
                if (!_known[key]) return false;
            }

            return true;
        }
    }

    private void Decide(Node node, OpenClLaunch launch)
    {
        OpenClVerdict? verdict = _ignoresRecord ? null : _record?.Find(launch.Program, launch.Function);
        bool isNew = verdict is null;
        verdict ??= Run(node, launch);
        Note(launch.Program, verdict, isNew);
    }

    private void Note(OpenClProgram program, OpenClVerdict verdict, bool isNew)
    {
        _known[(program, verdict.Function)] = verdict.Outcome != OpenClOutcome.Failed;
        _verdicts.Add(verdict);
        if (isNew) _record?.Keep(program, verdict);
        if (verdict.Outcome == OpenClOutcome.Failed)
        {
            device.Programs.Break(
                program, $"The device '{device.Name}' computes wrong results with '{program.Name}', which is not used any more: {verdict.Detail}.");
        }
    }

    /// <summary>Finds the smallest case that a function takes part in, and runs it.</summary>
    private OpenClVerdict Run(Node node, OpenClLaunch launch)
    {
        HalfOperands halves = HalfStorage.OperandsOf(node);
        foreach (Node small in OpenClTestCases.Of(node))
        {
            if (small.Cost.MultiplyAdds + small.Cost.Elementwise > MostWork || FindKernel(small, halves, launch) is not OpenClKernel kernel) continue;
            string? problem = Compare(small, halves, kernel, copies: 1) ?? (launch.Joint is null ? null : Compare(small, halves, kernel, copies: 2));
            if (problem is null)
            {
                // The other functions of the kernel are right as well.
                foreach (OpenClLaunch other in kernel.Launches)
                {
                    if ((other.Program, other.Function) == (launch.Program, launch.Function) || _known.ContainsKey((other.Program, other.Function))) continue;
                    Note(other.Program, new OpenClVerdict(other.Program.Name, other.Function, OpenClOutcome.Passed, kernel.Name), isNew: true);
                }
            }

            return new OpenClVerdict(
                launch.Program.Name, launch.Function, problem is null ? OpenClOutcome.Passed : OpenClOutcome.Failed,
                problem is null ? kernel.Name : $"{launch.Function} in {kernel.Name}: {problem}");
        }

        return new OpenClVerdict(launch.Program.Name, launch.Function, OpenClOutcome.Untested, $"no small case of {node.Op.Name} takes it");
    }

    /// <summary>A kernel of a node that a function takes part in, ready to run; null if there is none.</summary>
    private OpenClKernel? FindKernel(Node node, HalfOperands halves, OpenClLaunch launch)
    {
        bool chooses = false;
        foreach (OpenClKernelContext variant in device.Variants)
        {
            // What nobody is going to compute is not measured either.
            OpenClKernelContext context = variant with { Halves = halves, Choose = null };
            if (Kernel(context) is OpenClKernel kernel) return kernel;

            // As if the device were small, too: then other ways pay.
            if (Kernel(context with { Limits = context.Limits with { ComputeUnits = 1 } }) is OpenClKernel other) return other;
        }

        // Whatever way there is to compute a product, though nobody would take it for so small a one.
        for (int choice = 0, count = 1; choice < count; choice++)
        {
            foreach (OpenClKernelContext variant in device.Variants)
            {
                OpenClKernelContext context = variant with
                {
                    Halves = halves,
                    Choose = product =>
                    {
                        IReadOnlyList<ProductChoice> all = ProductChoice.All(product, variant.Limits);
                        (chooses, count) = (true, Math.Max(count, all.Count));
                        return choice < all.Count ? all[choice] : null;
                    },
                };
                if (Kernel(context) is OpenClKernel kernel) return kernel;
            }

            if (!chooses) return null;
        }

        return null;

        OpenClKernel? Kernel(OpenClKernelContext context) =>
            node.Op.CreateOpenClKernel(node, context)?.Storing(halves) is OpenClKernel kernel && Has(kernel, launch) && device.CanRun(node, kernel)
                && device.IsReady(kernel)
                ? kernel
                : null;
    }

    private static bool AddsInHalf(OpenClKernel kernel)
    {
        foreach (OpenClLaunch launch in kernel.Launches)
        {
            if (launch.Program.Macros.Contains(ProductLaunches.HalfSums, StringComparison.Ordinal)) return true;
        }

        return false;
    }

    private static bool Has(OpenClKernel kernel, OpenClLaunch launch)
    {
        foreach (OpenClLaunch own in kernel.Launches)
        {
            if (own.Function == launch.Function && own.Program == launch.Program) return true;
        }

        return false;
    }

    /// <summary>What is wrong with the results of a kernel; null if nothing is.</summary>
    private string? Compare(Node node, HalfOperands halves, OpenClKernel kernel, int copies)
    {
        double[][] operands = Operands(node, halves), expected = Reference(node, operands);
        double[][] actual;
        try
        {
            actual = Run(node, halves, kernel, operands, copies);
        }
        catch (DeviceException e)
        {
            return e.Message.TrimEnd('.');
        }

        double bound = (Bound * (settings.FastMath ? FastMathBound : 1)) + (AddsInHalf(kernel) ? HalfSumsBound : 0);
        for (int copy = 0; copy < actual.Length; copy++)
        {
            int k = copy % expected.Length;
            double largest = 0;
            foreach (double value in expected[k]) largest = Math.Max(largest, double.IsFinite(value) ? Math.Abs(value) : 0);
            for (int i = 0; i < expected[k].Length; i++)
            {
                double right = expected[k][i], found = actual[copy][i], most = bound * (largest + Floor);
                if (halves.Output(k)) most += HalfRounding * (Math.Max(Math.Abs(right), LeastHalf) + most);
                bool agrees = double.IsFinite(right) ? Math.Abs(found - right) <= most : found.Equals((double)(float)right);
                if (agrees) continue;
                return string.Create(
                    CultureInfo.InvariantCulture, $"{found:g6} instead of {right:g6} for element {i} of {node.Output.Shape}");
            }
        }

        return null;
    }

    /// <summary>Runs a kernel, one copy after the other. Nothing of its memory is zero before.</summary>
    private double[][] Run(Node node, HalfOperands halves, OpenClKernel kernel, double[][] operands, int copies)
    {
        TensorType[] inputTypes = new TensorType[node.Inputs.Count], outputTypes = new TensorType[node.Outputs.Count];
        for (int i = 0; i < inputTypes.Length; i++) inputTypes[i] = Stored(node.Inputs[i].Type, halves.Input(i));
        for (int k = 0; k < outputTypes.Length; k++) outputTypes[k] = Stored(node.Outputs[k].Type, halves.Output(k));
        long size = 0, workspace = Reserve(kernel.Workspace), constants = Reserve(kernel.Constants);
        PlacedKernel[] placed = new PlacedKernel[copies];
        (long[] Inputs, long[] Outputs)[] offsets = new (long[], long[])[copies];
        for (int copy = 0; copy < copies; copy++)
        {
            offsets[copy] = (
                Array.ConvertAll(inputTypes, type => Reserve(type.SizeBytes)), Array.ConvertAll(outputTypes, type => Reserve(type.SizeBytes)));
        }

        using DeviceMemory memory = device.Allocate(size);
        byte[] noise = new byte[Math.Min(size, 1 << 20)];
        Array.Fill(noise, (byte)0xFF);
        for (long at = 0; at < size; at += noise.Length) memory.Write(at, noise.AsSpan(0, (int)Math.Min(noise.Length, size - at)));
        for (int copy = 0; copy < copies; copy++)
        {
            MemorySpan[] inputs = new MemorySpan[node.Inputs.Count], outputs = new MemorySpan[node.Outputs.Count];
            for (int i = 0; i < inputs.Length; i++)
            {
                // Updates have their last operand in common.
                byte[] bytes = ToBytes(inputTypes[i], operands[i]);
                inputs[i] = new MemorySpan(memory, offsets[i == inputs.Length - 1 ? 0 : copy].Inputs[i], bytes.Length);
                memory.Write(inputs[i].Offset, bytes);
            }

            for (int k = 0; k < outputs.Length; k++)
            {
                int updated = node.Op.UpdatedInput(k);
                outputs[k] = updated >= 0 ? inputs[updated] : new MemorySpan(memory, offsets[copy].Outputs[k], outputTypes[k].SizeBytes);
            }

            placed[copy] = new PlacedKernel(kernel, node, inputs, outputs, Span(workspace, kernel.Workspace), Span(constants, kernel.Constants), Packs: true);
        }

        Segment segment = device.Bind(placed, null!);
        segment.Run();
        List<double[]> results = [];
        foreach (PlacedKernel one in placed)
        {
            for (int k = 0; k < one.Outputs.Length; k++)
            {
                byte[] bytes = new byte[one.Outputs[k].Bytes];
                memory.Read(one.Outputs[k].Offset, bytes);
                results.Add(FromBytes(outputTypes[k], bytes));
            }
        }

        segment.Dispose();
        return [.. results];

        MemorySpan Span(long offset, long bytes) => bytes == 0 ? default : new MemorySpan(memory, offset, bytes);

        long Reserve(long bytes)
        {
            long offset = size;
            size += (bytes + device.Alignment - 1) & -device.Alignment;
            return offset;
        }
    }

    /// <summary>Numbers that the operator takes, the same each time.</summary>
    private static double[][] Operands(Node node, HalfOperands halves)
    {
        double[][] operands = new double[node.Inputs.Count][];
        for (int i = 0; i < operands.Length; i++)
        {
            Rng rng = new((ulong)(i + 1));
            double[] values = operands[i] = new double[node.Inputs[i].Shape.ElementCount];
            for (int k = 0; k < values.Length; k++)
            {
                double value = rng.Uniform(-1.5f, 1.5f);
                if (IsPositive(node, i)) value = Math.Abs(value) + 0.3;
                if (IsCoarse(node)) value = Math.Round(4 * value) / 4;
                values[k] = node.Op is Dropout && i == 1 ? 3 : value;
            }

            // As the device sees them.
            TensorType type = Stored(node.Inputs[i].Type, halves.Input(i));
            operands[i] = FromBytes(type, ToBytes(type, values));
        }

        return operands;
    }

    private static TensorType Stored(TensorType type, bool isHalf) => isHalf ? new TensorType(DType.F16, type.Shape) : type;

    /// <summary>Operands that are roots, logarithms, divisors, variances, weights or factors.</summary>
    private static bool IsPositive(Node node, int operand) => node.Op switch
    {
        Log or Sqrt or Rsqrt or Power => true,
        Divide => operand == 1,
        BatchNorm or BatchNormTrainingGradient or BatchNormFromMoments => operand == 4,
        AdamUpdate => operand == 2 || operand == node.Inputs.Count - 1,
        UpdateOp => operand == node.Inputs.Count - 1,
        SoftmaxCrossEntropy => operand > 0,
        SoftmaxCrossEntropyGradient => true,
        _ => false,
    };

    /// <summary>Operators that look for equal numbers, which coarse ones are now and then.</summary>
    private static bool IsCoarse(Node node) => node.Op is ReduceMaxGradient or MaxPool2dGradient or Heaviside or Sign;

    private static unsafe double[][] Reference(Node node, double[][] operands)
    {
        double[][] results = new double[node.Outputs.Count][];
        List<GCHandle> pins = [];
        try
        {
            RefTensor<double>[] inputs = new RefTensor<double>[operands.Length], outputs = new RefTensor<double>[results.Length];
            for (int i = 0; i < inputs.Length; i++) inputs[i] = new RefTensor<double>(Pin(operands[i]), node.Inputs[i].Shape);
            for (int k = 0; k < outputs.Length; k++)
            {
                results[k] = new double[node.Outputs[k].Shape.ElementCount];
                outputs[k] = new RefTensor<double>(Pin(results[k]), node.Outputs[k].Shape);
            }

            node.Op.Reference(new ReferenceArgs<double>(node, inputs, outputs));
        }
        finally
        {
            foreach (GCHandle pin in pins) pin.Free();
        }

        for (int k = 0; k < results.Length; k++) results[k] = FromBytes(node.Outputs[k].Type, ToBytes(node.Outputs[k].Type, results[k]));
        return results;

        double* Pin(double[] array)
        {
            pins.Add(GCHandle.Alloc(array, GCHandleType.Pinned));
            return (double*)pins[^1].AddrOfPinnedObject();
        }
    }

    private static unsafe byte[] ToBytes(TensorType type, double[] values)
    {
        byte[] bytes = new byte[type.SizeBytes];
        fixed (double* source = values)
        {
            fixed (byte* target = bytes) Elements.Store(type.DType, source, target, values.Length);
        }

        return bytes;
    }

    private static unsafe double[] FromBytes(TensorType type, byte[] bytes)
    {
        double[] values = new double[type.Shape.ElementCount];
        fixed (byte* source = bytes)
        {
            fixed (double* target = values) Elements.Load(type.DType, source, target, values.Length);
        }

        return values;
    }
}
