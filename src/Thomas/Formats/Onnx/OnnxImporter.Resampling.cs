using System;
using System.Collections.Generic;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.Onnx;

/// <summary>Operators that repeat, mirror or interleave elements, as slices, joins and reshapes.</summary>
internal sealed partial class OnnxImporter
{
    /// <summary>Pieces that one operator may be cut into; far above what classifiers need.</summary>
    private const int MaximumPieces = 512;

    /// <summary>Works on an operand of rank 4 with its channels last, where the file has them second.</summary>
    private Operand WithChannelsLast(OnnxNode node, Operand x, Func<Operand, Operand> compute)
    {
        Operand last = ApplyToReals(node, OpCatalog.Transpose, [x], new TransposeAttributes(Transpose.NchwToNhwc), $"{x.Name}/nhwc", null);
        return ApplyToReals(node, OpCatalog.Transpose, [compute(last)], new TransposeAttributes(Transpose.NhwcToNchw), node.Name, null);
    }

    private static Operand RealOfRank(OnnxNode node, int rank)
    {
        Operand x = node.Input(0);
        if (x.Rank != rank) throw node.Unsupported($"of rank {x.Rank}");
        if (x.DType != DType.F32 || x.Grid is not null || x.QuantizedInput is not null) throw node.Unsupported("on integers");
        return x;
    }

    private Operand DepthToSpace(OnnxNode node)
    {
        Operand x = RealOfRank(node, 4);
        int block = node.ToInt(node.Int("blocksize", 0));
        if (block < 1 || x.Shape[1] % ((long)block * block) != 0) throw node.Fail($"blocks of {block} do not divide {x.Shape}");
        string mode = node.Text("mode", "DCR");
        if (mode is not ("DCR" or "CRD")) throw node.Fail($"mode is '{mode}'");
        int n = x.Shape[0], height = x.Shape[2], width = x.Shape[3], channels = x.Shape[1] / block / block;
        return WithChannelsLast(node, x, last =>
        {
            Operand blocks = ReshapeTo(
                node, last, mode == "DCR" ? [n, height, width, block, block, channels] : [n, height, width, channels, block, block], $"{node.Name}/blocks");
            TransposeAttributes order = new(mode == "DCR" ? new IntList(0, 1, 3, 2, 4, 5) : new IntList(0, 1, 4, 2, 5, 3));
            return ReshapeTo(
                node, Step(node, "ordered", OpCatalog.Transpose, [blocks], order), [n, height * block, width * block, channels], $"{node.Name}/last");
        });
    }

    private Operand SpaceToDepth(OnnxNode node)
    {
        Operand x = RealOfRank(node, 4);
        int block = node.ToInt(node.Int("blocksize", 0));
        if (block < 1 || x.Shape[2] % block != 0 || x.Shape[3] % block != 0) throw node.Fail($"blocks of {block} do not divide {x.Shape}");
        int n = x.Shape[0], height = x.Shape[2] / block, width = x.Shape[3] / block, channels = x.Shape[1];
        return WithChannelsLast(node, x, last =>
        {
            Operand blocks = ReshapeTo(node, last, [n, height, block, width, block, channels], $"{node.Name}/blocks");
            Operand ordered = Step(node, "ordered", OpCatalog.Transpose, [blocks], new TransposeAttributes(new IntList(0, 1, 3, 2, 4, 5)));
            return ReshapeTo(node, ordered, [n, height, width, channels * block * block], $"{node.Name}/last");
        });
    }

    /// <summary>Upsample in its three forms and Resize: scales as attributes or operands, sizes as an operand.</summary>
    private Operand Resize(OnnxNode node)
    {
        Operand x = RealOfRank(node, 4);
        int[] target = ResizeTarget(node, x.Shape);
        if (target.AsSpan().SequenceEqual(x.Shape.Dims)) return x;
        if (target[0] != x.Shape[0] || target[1] != x.Shape[1]) throw node.Unsupported("of batch or channels");
        string mode = node.Text("mode", "nearest");
        if (mode is not ("nearest" or "linear" or "bilinear" or "cubic") || node.Int("antialias", 0) != 0)
        {
            throw node.Unsupported($"in mode {mode}{(node.Int("antialias", 0) != 0 ? ", antialiased" : "")}");
        }

        if (mode == "cubic") return WithChannelsLast(node, x, last => Cubic(node, Cubic(node, last, 1, target[2]), 2, target[3]));
        bool repeats = mode == "nearest" && target[2] % x.Shape[2] == 0 && target[3] % x.Shape[3] == 0 && RepeatsWhole(node, target[2] / x.Shape[2])
            && RepeatsWhole(node, target[3] / x.Shape[3]);
        if (!repeats)
        {
            return WithChannelsLast(
                node, x, last => Interpolated(node, Interpolated(node, last, 1, target[2], mode != "nearest"), 2, target[3], mode != "nearest"));
        }

        int n = x.Shape[0], height = x.Shape[2], width = x.Shape[3], channels = x.Shape[1], byH = target[2] / height, byW = target[3] / width;
        return WithChannelsLast(node, x, last =>
        {
            Operand apart = ReshapeTo(node, last, [n, height, 1, width, 1, channels], $"{node.Name}/apart");
            Operand repeated = Repeated(node, apart, new Shape(byH, 1, byW, 1), "repeated");
            return ReshapeTo(node, repeated, [n, height * byH, width * byW, channels], $"{node.Name}/last");
        });
    }

    /// <summary>Resamples along one axis: the nearest element, or a weighted sum of the two around.</summary>
    private Operand Interpolated(OnnxNode node, Operand x, int axis, int size, bool linear)
    {
        int length = x.Shape[axis];
        if (size == length) return x;
        int[] below = new int[size], above = new int[size];
        float[] share = new float[size], rest = new float[size];
        for (int i = 0; i < size; i++)
        {
            double at = Coordinate(node, i, length, size);
            if (!linear)
            {
                below[i] = (int)Math.Clamp(Nearest(node, at), 0, length - 1);
                continue;
            }

            at = Math.Clamp(at, 0, length - 1);
            below[i] = (int)at;
            above[i] = Math.Min(below[i] + 1, length - 1);
            share[i] = (float)(at - below[i]);
            rest[i] = 1 - share[i];
        }

        Operand low = Picked(node, x, axis, below, $"{node.Name}/below{axis}");
        if (!linear) return low;
        int[] dims = [1, 1, 1, 1];
        dims[axis] = size;
        Operand first = Step(node, $"first{axis}", OpCatalog.Multiply, [low, Constant($"{node.Name}/rest{axis}", new Shape(dims), rest)]);
        Operand high = Picked(node, x, axis, above, $"{node.Name}/above{axis}");
        Operand second = Step(node, $"second{axis}", OpCatalog.Multiply, [high, Constant($"{node.Name}/share{axis}", new Shape(dims), share)]);
        return Step(node, $"between{axis}", OpCatalog.Add, [first, second]);
    }

    /// <summary>Resamples rows (axis 1) or columns (axis 2) by Keys's cubic, four elements around each place, as a product with a constant matrix.</summary>
    private Operand Cubic(OnnxNode node, Operand x, int axis, int size)
    {
        int length = x.Shape[axis];
        if (size == length) return x;
        double a = node.Float("cubic_coeff_a", -0.75f);
        bool inside = node.Int("exclude_outside", 0) != 0;
        Charge(4L * size * length);
        double[] taps = new double[4];
        float[] matrix = new float[size * length];
        for (int i = 0; i < size; i++)
        {
            double at = Coordinate(node, i, length, size), first = Math.Floor(at) - 1, sum = 0;
            for (int tap = 0; tap < 4; tap++)
            {
                double distance = Math.Abs(at - first - tap);
                taps[tap] = distance <= 1
                    ? (((a + 2) * distance) - (a + 3)) * distance * distance + 1
                    : (((((distance - 5) * distance) + 8) * distance) - 4) * a;
                if (inside && (first + tap < 0 || first + tap >= length)) taps[tap] = 0;
                sum += taps[tap];
            }

            for (int tap = 0; tap < 4; tap++)
                matrix[(i * length) + (int)Math.Clamp(first + tap, 0, length - 1)] += (float)(inside ? taps[tap] / sum : taps[tap]);
        }

        Operand weights = Constant($"{node.Name}/cubic{axis}", new Shape(size, length), matrix);
        if (axis == 2) return Step(node, "columns", OpCatalog.MatMul, [weights, x], new MatMulAttributes());
        Operand rows = ReshapeTo(node, x, [x.Shape[0], length, x.Shape[2] * x.Shape[3]], $"{node.Name}/rows_of");
        return ReshapeTo(
            node, Step(node, "rows", OpCatalog.MatMul, [weights, rows], new MatMulAttributes()), [x.Shape[0], size, x.Shape[2], x.Shape[3]],
            $"{node.Name}/image");
    }

    /// <summary>Where an element of the result lies among those of the operand.</summary>
    private static double Coordinate(OnnxNode node, int i, int length, int size)
    {
        double scale = (double)size / length;
        string mode = node.OpType == "Upsample" || node.Opset < 11 ? "asymmetric" : node.Text("coordinate_transformation_mode", "half_pixel");
        return mode switch
        {
            "asymmetric" => i / scale,
            "align_corners" => size == 1 ? 0 : (double)i * (length - 1) / (size - 1),
            "pytorch_half_pixel" when size == 1 => 0,
            "half_pixel" or "pytorch_half_pixel" or "half_pixel_symmetric" => ((i + 0.5) / scale) - 0.5,
            _ => throw node.Unsupported($"with coordinates {mode}"),
        };
    }

    private static double Nearest(OnnxNode node, double at) =>
        (node.OpType == "Upsample" || node.Opset < 11 ? "floor" : node.Text("nearest_mode", "round_prefer_floor")) switch
        {
            "floor" => Math.Floor(at),
            "ceil" => Math.Ceiling(at),
            "round_prefer_ceil" => Math.Floor(at + 0.5),
            _ => Math.Ceiling(at - 0.5),
        };

    /// <summary>Stretches axes of size 1 by adding zeros, which both formats and gradients know.</summary>
    private Operand Repeated(OnnxNode node, Operand x, Shape zeros, string suffix)
    {
        Charge(4L * zeros.ElementCount);
        return Step(node, suffix, OpCatalog.Add, [x, new Operand($"{node.Name}/{suffix}_zeros", TensorData.FromFloats(zeros, new float[zeros.ElementCount]))]);
    }

    private static int[] ResizeTarget(OnnxNode node, Shape shape)
    {
        bool resize = node.OpType == "Resize" && node.Opset >= 11;
        int scalesAt = resize ? 2 : 1;
        Operand? sizes = resize ? node.Optional(3) : null, given = node.Optional(scalesAt);
        float[]? scales = given is { Shape.ElementCount: > 0 } ? RequireConstant(node, given, "scales").Floats.ToArray() : node.Floats("scales");
        if (node.Has("height_scale")) scales = [1, 1, node.Float("height_scale", 1), node.Float("width_scale", 1)];
        long[]? axes = node.Ints("axes");
        int[] target = shape.Dims.ToArray();
        long[]? wanted = sizes is null ? null : Integers(node, sizes);
        int count = wanted?.Length ?? scales?.Length ?? throw node.Fail("has neither scales nor sizes");
        if (count != (axes?.Length ?? shape.Rank)) throw node.Fail($"has {count} scales or sizes for {shape}");
        if (wanted is not null && node.Text("keep_aspect_ratio_policy", "stretch") != "stretch") throw node.Unsupported("that keeps the aspect ratio");
        for (int i = 0; i < count; i++)
        {
            int axis = axes is null ? i : node.Axis(axes[i], shape.Rank);
            double size = wanted?[i] ?? Math.Floor((double)shape[axis] * scales![i]);
            if (wanted is null && Math.Abs((shape[axis] * (double)scales![i]) - size) > 1e-3)
            {
                throw node.Unsupported("by a factor that gives no whole size", $"{shape} by {scales[i]}");
            }

            target[axis] = size is >= 1 and <= 1 << 16 ? (int)size : throw node.Fail($"asks for size {size}");
        }

        return target;
    }

    /// <summary>Whether the nearest element for a whole factor is the one that is repeated, by the rules that the node names.</summary>
    private static bool RepeatsWhole(OnnxNode node, int factor)
    {
        if (node.OpType == "Upsample" || node.Opset < 11) return true;
        string coordinates = node.Text("coordinate_transformation_mode", "half_pixel");
        for (int i = 0; i < factor; i++)
        {
            // The length does not matter, as long as the factor is the same.
            double index = coordinates == "align_corners" ? (factor == 1 ? 0 : 1) : Nearest(node, Coordinate(node, i, 1 << 10, factor << 10));
            if (index != 0) return false;
        }

        return true;
    }

    private Operand Tile(OnnxNode node)
    {
        Operand x = node.Input(0);
        long[] repeats = Integers(node, node.Input(1));
        if (node.Opset < 6)
        {
            // The first form repeats along one axis.
            long[] all = new long[x.Rank];
            Array.Fill(all, 1);
            all[node.Axis(Scalar(node, 2), x.Rank)] = Scalar(node, 1);
            repeats = all;
        }

        if (repeats.Length != x.Rank) throw node.Fail($"has {repeats.Length} repeats for {x.Shape}");
        for (int axis = 0; axis < repeats.Length; axis++)
        {
            if (repeats[axis] == 1) continue;
            if (repeats[axis] is < 1 or > MaximumPieces) throw node.Unsupported($"{repeats[axis]} times");
            if (axis == 0 && !x.IsConstant) throw node.Unsupported("of the batch");
            Operand[] copies = new Operand[repeats[axis]];
            Array.Fill(copies, x);
            x = x.IsInteger ? JoinIntegers(node, copies, axis) : Step(node, $"axis{axis}", OpCatalog.Concat, copies, new ConcatAttributes(axis));
        }

        return x;
    }

    /// <summary>Picks elements along an axis in any order: a slice for each run of neighbors.</summary>
    private Operand Picked(OnnxNode node, Operand x, int axis, ReadOnlySpan<int> indices, string name)
    {
        // What torch.nn.functional.pad leaves: pads turned back to front.
        if (x.IsInteger) return Rearrange(node, x, axis, indices, name);
        List<Operand> pieces = [];
        for (int i = 0; i < indices.Length;)
        {
            int length = 1;
            while (i + length < indices.Length && indices[i + length] == indices[i] + length) length++;
            if (pieces.Count == MaximumPieces) throw node.Unsupported($"in more than {MaximumPieces} pieces");
            int[] begin = new int[x.Rank], size = Filled(x.Rank, -1);
            begin[axis] = indices[i];
            size[axis] = length;
            pieces.Add(SliceOf(node, x, begin, size, Filled(x.Rank, 1), length == indices.Length ? name : $"{name}/axis{axis}_{pieces.Count}"));
            i += length;
        }

        if (pieces.Count == 1) return pieces[0];
        if (pieces.Count == 0) throw node.Unsupported("of nothing");
        if (x.Grid is not null || x.QuantizedInput is not null) throw node.Unsupported("on 8-bit integers");
        return Apply(node, OpCatalog.Concat, pieces.ToArray(), new ConcatAttributes(axis), name);
    }

    private Operand Rearrange(OnnxNode node, Operand x, int axis, ReadOnlySpan<int> indices, string name)
    {
        long[] wanted = new long[indices.Length];
        for (int i = 0; i < wanted.Length; i++) wanted[i] = indices[i];
        return new Operand(name, GatherConstant(node, x, axis, new Shape(wanted.Length), wanted).Data!);
    }

    /// <summary>Padding by what lies inside: indices along each axis, mirrored, clamped or wrapped.</summary>
    private Operand PadFromInside(OnnxNode node, Operand x, int[] before, int[] after, string mode)
    {
        Operand result = x;
        for (int axis = 0; axis < x.Rank; axis++)
        {
            if (before[axis] == 0 && after[axis] == 0) continue;
            int length = x.Shape[axis];
            if (mode == "reflect" && (before[axis] >= length || after[axis] >= length)) throw node.Fail($"mirrors more than axis {axis} of {x.Shape} has");
            int[] indices = new int[before[axis] + length + after[axis]];
            for (int i = 0; i < indices.Length; i++)
            {
                int at = i - before[axis];
                indices[i] = mode switch
                {
                    "edge" => Math.Clamp(at, 0, length - 1),
                    "wrap" => ((at % length) + length) % length,
                    _ => at < 0 ? -at : at >= length ? (2 * length) - 2 - at : at,
                };
            }

            result = Picked(node, result, axis, indices, $"{node.Name}/axis{axis}");
        }

        return result;
    }
}
