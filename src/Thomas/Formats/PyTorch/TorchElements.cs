using System;
using Thomas.Graphs;

namespace Thomas.Formats.PyTorch;

/// <summary>Takes the elements of a tensor out of its storage.</summary>
internal static class TorchElements
{
    /// <summary>Checks that the tensor lies within its storage and adds it; one whose elements are not in row-major order is gathered.</summary>
    /// <param name="collector">Receives the tensor.</param>
    /// <param name="name">Its name.</param>
    /// <param name="tensor">Its sizes and strides.</param>
    /// <param name="storage">The bytes under the storage's key.</param>
    /// <exception cref="ModelFormatException">The tensor reaches beyond its storage.</exception>
    public static void Add(WeightCollector collector, string name, TorchTensor tensor, ReadOnlyMemory<byte> storage)
    {
        string place = WeightCollector.PlaceOf(name);
        Shape shape = collector.ShapeOf(tensor.Sizes, place);
        int elementBytes = tensor.Storage.Type.SizeBytes(), count = shape.ElementCount;
        CheckBounds(collector.File, place, tensor, count);
        ReadOnlyMemory<byte> view = storage.Slice((int)tensor.Storage.ViewOffset * elementBytes, (int)tensor.Storage.ViewCount * elementBytes);
        if (count == 0)
        {
            view = default;
        }
        else if (IsRowMajor(shape, tensor.Strides))
        {
            view = view.Slice((int)tensor.Offset * elementBytes, count * elementBytes);
        }
        else
        {
            collector.Charge((long)count * elementBytes, place);
            if ((long)count * elementBytes > Array.MaxLength)
            {
                throw new ModelFormatException(collector.File, place, $"its {count} elements of {elementBytes} bytes have to be rearranged: 2 GiB or more");
            }

            view = Gather(view.Span, tensor, shape, elementBytes);
        }

        collector.Add(name, tensor.Storage.Type, shape, view);
    }

    private static void CheckBounds(string file, string place, TorchTensor tensor, int count)
    {
        if (count == 0) return;
        Int128 last = tensor.Offset;
        bool valid = tensor.Offset >= 0;
        for (int i = 0; i < tensor.Sizes.Length; i++)
        {
            valid &= tensor.Strides[i] >= 0;
            last += (Int128)(tensor.Sizes[i] - 1) * tensor.Strides[i];
        }

        if (!valid || last >= tensor.Storage.ViewCount)
        {
            throw new ModelFormatException(
                file, place,
                $"offset {tensor.Offset} and strides [{string.Join(',', tensor.Strides)}] lead out of storage '{tensor.Storage.Key}', which has "
                + $"{tensor.Storage.ViewCount} elements");
        }
    }

    private static bool IsRowMajor(Shape shape, long[] strides)
    {
        long expected = 1;
        for (int i = strides.Length - 1; i >= 0; i--)
        {
            if (shape[i] != 1 && strides[i] != expected) return false;
            expected *= shape[i];
        }

        return true;
    }

    private static byte[] Gather(ReadOnlySpan<byte> storage, TorchTensor tensor, Shape shape, int elementBytes)
    {
        byte[] gathered = new byte[shape.ElementCount * elementBytes];
        Span<int> index = stackalloc int[Shape.MaxRank];
        index.Clear();
        long source = tensor.Offset;
        for (int i = 0; i < gathered.Length; i += elementBytes)
        {
            storage.Slice((int)source * elementBytes, elementBytes).CopyTo(gathered.AsSpan(i));
            for (int axis = shape.Rank - 1; axis >= 0; axis--)
            {
                source += tensor.Strides[axis];
                if (++index[axis] < shape[axis]) break;
                source -= index[axis] * tensor.Strides[axis];
                index[axis] = 0;
            }
        }

        return gathered;
    }
}
