using System;
using Thomas.Formats.Onnx.Proto;
using Thomas.Graphs;
using Dimension = Thomas.Formats.Onnx.Proto.TensorShapeProto.Types.Dimension;

namespace Thomas.Formats.Onnx;

/// <summary>Sizes of inputs: the batch becomes 1, and what else the file leaves open is filled in.</summary>
internal sealed partial class OnnxImporter
{
    private Shape InputShape(TensorShapeProto? proto, string place)
    {
        // A file that says nothing about its images leaves all axes open.
        ReadOnlySpan<Dimension> axes = proto is null ? [new(), new(), new(), new()] : [.. proto.Dim];
        if (axes.Length > Shape.MaxRank) throw new ModelFormatException(_file, place, $"has {axes.Length} axes, more than {Shape.MaxRank}");
        int[] dims = new int[axes.Length];
        for (int i = 0; i < dims.Length; i++)
        {
            if (axes[i].ValueCase == Dimension.ValueOneofCase.DimValue && axes[i].DimValue > int.MaxValue)
            {
                throw new ModelFormatException(_file, place, $"axis {i} has size {axes[i].DimValue}");
            }

            dims[i] = IsFixed(axes[i]) ? (int)axes[i].DimValue : 0;
        }

        if (dims.Length > 0)
        {
            BatchIsSymbolic |= dims[0] == 0;
            // A rank below 2 has no batch axis to shrink.
            if (dims[0] == 0) dims[0] = 1;
            else if (dims.Length >= 2) _fileBatch = dims[0];
        }

        int open = Array.IndexOf(dims, 0);
        if (open < 0) return new Shape(dims);
        if (dims.Length != 4)
        {
            string symbol = axes[open].ValueCase == Dimension.ValueOneofCase.DimParam ? $" ('{axes[open].DimParam}')" : "";
            throw new UnsupportedModelException(
                _file, [$"{place} whose axis {open} is open{symbol}; only the batch and the image size may be open; export the model with fixed sizes"]);
        }

        FillImage(dims, place);
        return new Shape(dims);
    }

    private void FillImage(int[] dims, string place)
    {
        int channels = _layout == ImageLayout.Nhwc || (dims[1] == 0 && dims[3] is 1 or 3) ? 3 : 1;
        if (dims[channels] == 0) dims[channels] = ChannelsOfFirstLayer();
        ref int height = ref dims[channels == 1 ? 2 : 1], width = ref dims[channels == 1 ? 3 : 2];
        if (height > 0 && width > 0) return;
        if (_imageSize is not (int Height, int Width) size)
        {
            throw new ModelFormatException(
                _file,
                place,
                "the file leaves the height and width of the images open. Give the size that the network was trained with (usually 224) with --size N, "
                + "or in a program with ModelLoadOptions.ImageSize");
        }

        if (height == 0) height = size.Height;
        if (width == 0) width = size.Width;
    }

    /// <summary>Channels of the image, told by the filter of the first convolution.</summary>
    private int ChannelsOfFirstLayer()
    {
        foreach (NodeProto node in _proto.Node)
        {
            if (node.OpType is not ("Conv" or "ConvInteger" or "FusedConv") || node.Input.Count < 2
                || !_initializers.TryGetValue(node.Input[1], out TensorProto? filter) || filter.Dims.Count != 4)
            {
                continue;
            }

            long groups = 1;
            foreach (AttributeProto attribute in node.Attribute)
            {
                if (attribute.Name == "group") groups = attribute.I;
            }

            return filter.Dims[1] is > 0 and < 1024 && groups is > 0 and < 1024 ? (int)(filter.Dims[1] * groups) : 3;
        }

        return 3;
    }

    private static bool IsFixed(Dimension dim) => dim.ValueCase == Dimension.ValueOneofCase.DimValue && dim.DimValue > 0;
}
