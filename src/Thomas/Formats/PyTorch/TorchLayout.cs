using System;
using System.Runtime.InteropServices;
using Thomas.Graphs;
using Thomas.Ops;

namespace Thomas.Formats.PyTorch;

/// <summary>
/// How a constant of a graph is laid out in PyTorch, where channels come first. Every case is the same move: the tensor is <paramref name="Outer"/>
/// blocks [channels, pixels] there and blocks [pixels, channels] here. Filters: OIHW to OHWI; depthwise filters: [c,1,kH,kW] to [1,kH,kW,c]; the
/// columns of a dense layer behind a flattened image: (c,h,w) to (h,w,c).
/// </summary>
/// <param name="TorchShape">The sizes in PyTorch's axis order.</param>
/// <param name="Shape">The sizes here.</param>
/// <param name="Outer">Number of blocks.</param>
/// <param name="Channels">Rows of a block in PyTorch.</param>
/// <param name="Pixels">Columns of a block in PyTorch.</param>
internal readonly record struct TorchLayout(Shape TorchShape, Shape Shape, int Outer, int Channels, int Pixels)
{
    /// <summary>The layout of a constant as an operand of a node.</summary>
    public static TorchLayout Of(Node node, Value constant)
    {
        Shape shape = constant.Shape;
        if (shape.Rank == 4)
        {
            int pixels = shape[1] * shape[2], channels = shape[3];
            return node.Op is DepthwiseConv2d
                ? new TorchLayout(new Shape(channels, 1, shape[1], shape[2]), shape, 1, channels, pixels)
                : new TorchLayout(new Shape(shape[0], channels, shape[1], shape[2]), shape, shape[0], channels, pixels);
        }

        // The last axis of a dense layer's matrix and of an element-wise vector runs along the flattened image, as the other operand does.
        Value other = node.Inputs[0].IsConstant && node.Inputs.Count > 1 ? node.Inputs[1] : node.Inputs[0];
        bool isAlong = shape.Rank == 2 || (shape.Rank == 1 && node.Op is not Dense);
        if (isAlong && FlattenedImage(other) is Shape image && shape[-1] == image.Product(1, 4))
        {
            return new TorchLayout(shape, shape, shape.ElementCount / shape[-1], image[3], image[1] * image[2]);
        }

        return new TorchLayout(shape, shape, 1, 1, shape.ElementCount);
    }

    /// <summary>Whether a tensor's sizes are those of this layout; sizes of 1 do not count, so a 1x1 filter may stand for a matrix.</summary>
    public bool Fits(Shape torch)
    {
        int at = 0;
        foreach (int size in torch.Dims)
        {
            if (size == 1) continue;
            while (at < TorchShape.Rank && TorchShape[at] == 1) at++;
            if (at == TorchShape.Rank || TorchShape[at++] != size) return false;
        }

        while (at < TorchShape.Rank && TorchShape[at] == 1) at++;
        return at == TorchShape.Rank;
    }

    /// <summary>The tensor in the layout of the graph; borrows where no element moves.</summary>
    public TensorData FromTorch(TensorData torch)
    {
        if (Channels == 1 || Pixels == 1) return torch.Reshaped(Shape);
        byte[] bytes = new byte[torch.Bytes.Length];
        if (torch.Type.DType.IsHalf()) Move(MemoryMarshal.Cast<byte, ushort>(torch.Bytes.Span), MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan()));
        else Move(torch.Floats, MemoryMarshal.Cast<byte, float>(bytes.AsSpan()));
        return new TensorData(torch.Type with { Shape = Shape }, bytes);
    }

    private void Move<T>(ReadOnlySpan<T> source, Span<T> target)
    {
        int block = Channels * Pixels;
        for (int start = 0; start < target.Length; start += block)
        {
            ReadOnlySpan<T> from = source.Slice(start, block);
            Span<T> to = target.Slice(start, block);
            for (int pixel = 0, i = 0; pixel < Pixels; pixel++)
            {
                for (int channel = 0; channel < Channels; channel++) to[i++] = from[(channel * Pixels) + pixel];
            }
        }
    }

    /// <summary>
    /// The image [n,h,w,c] whose elements a vector holds one after the other, pixel by pixel; null where the order is PyTorch's: one pixel, channels
    /// first, or no image.
    /// </summary>
    private static Shape? FlattenedImage(Value value)
    {
        while (value.Producer is Node node)
        {
            Value input = node.Inputs[0];
            if (node.Op is Reshape)
            {
                if (input.Shape.Rank == 4 && input.Shape[1] * input.Shape[2] > 1) return IsChannelsFirst(input) ? null : input.Shape;
                value = input;
            }
            else if (SameOrderInput(node) is Value same)
            {
                value = same;
            }
            else
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Graphs are NHWC, but a file's own transpose may stand before its flatten.</summary>
    private static bool IsChannelsFirst(Value value)
    {
        while (value.Producer is Node node)
        {
            if (node.Op is Transpose) return ((TransposeAttributes)node.Attributes).Perm.Equals(Transpose.NhwcToNchw);
            if (SameOrderInput(node) is not Value same) return false;
            value = same;
        }

        return false;
    }

    /// <summary>The operand whose elements an element-wise node keeps in their places; null for other nodes.</summary>
    private static Value? SameOrderInput(Node node)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            Value input = node.Inputs[i];
            if (!input.IsConstant && input.Shape == node.Output.Shape && node.Op.CpuCanOverwrite(node, i)) return input;
        }

        return null;
    }
}
