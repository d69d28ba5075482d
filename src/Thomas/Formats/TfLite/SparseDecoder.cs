using System;
using Thomas.Formats.TfLite.Schema;
using Thomas.Graphs;

namespace Thomas.Formats.TfLite;

/// <summary>
/// Spreads the elements of a sparse constant. They are stored in the order of a walk over levels, one for each axis and then one for each axis of blocks; a
/// level visits all positions, or those that it lists for each position of the level before.
/// </summary>
internal sealed class SparseDecoder
{
    private readonly ImportedTensor _tensor;
    private readonly Shape _shape;
    private readonly int[] _strides;
    private readonly int[] _order;
    private readonly int[] _blockMap;
    private readonly Level[] _levels;
    private readonly int[] _at;
    private readonly ReadOnlyMemory<byte> _stored;
    private readonly byte[] _dense;
    private readonly int _elementBytes;
    private int _next;

    private SparseDecoder(ImportedTensor tensor, SparsityTable table, Shape shape, ReadOnlyMemory<byte> stored, int elementBytes)
    {
        (_tensor, _shape, _stored, _elementBytes) = (tensor, shape, stored, elementBytes);
        _strides = shape.Strides();
        _order = table.TraversalOrder.ToArray();
        _blockMap = table.BlockMap.ToArray();
        FlatTables levels = table.Levels;
        int count = shape.Rank + _blockMap.Length;
        bool[] seen = new bool[count];
        _tensor.Require(
            _blockMap.Length <= Shape.MaxRank && _order.Length == count && levels.Count == count, $"has {levels.Count} levels of sparse storage for {shape}");
        for (int i = 0; i < count; i++)
        {
            _tensor.Require(
                (uint)_order[i] < (uint)count && !seen[_order[i]] && _order[i] < shape.Rank == i < shape.Rank,
                $"visits axis {_order[i]} at level {i} of its sparse storage");
            seen[_order[i]] = true;
        }

        foreach (int axis in _blockMap) _tensor.Require((uint)axis < (uint)shape.Rank, $"has blocks along axis {axis}");
        _levels = new Level[count];
        for (int i = 0; i < count; i++)
        {
            SparseLevelTable level = new(levels[i]);
            _levels[i] = level.IsListed ? new Level(true, 0, level.Segments(), level.Positions()) : new Level(false, level.Size, [], []);
            _tensor.Require(level.IsListed ? i < shape.Rank : level.Size > 0, $"has the size {level.Size} at level {i} of its sparse storage");
        }

        _at = new int[count];
        _dense = new byte[(long)shape.ElementCount * elementBytes];
    }

    /// <summary>All elements of a tensor in order, zeros where it stores none.</summary>
    public static byte[] Decode(ImportedTensor tensor, SparsityTable table, Shape shape, ReadOnlyMemory<byte> stored, int elementBytes)
    {
        SparseDecoder decoder = new(tensor, table, shape, stored, elementBytes);
        decoder.Visit(0, 0);
        tensor.Require((long)decoder._next * elementBytes == stored.Length, $"stores {stored.Length / elementBytes} elements, its levels name {decoder._next}");
        return decoder._dense;
    }

    /// <summary>
    /// Visits the positions of a level that belong to a position of the level before. The file bounds the walk: no level is empty, so every way through levels
    /// that visit all positions ends at a stored element or at a segment, and none of these is visited twice.
    /// </summary>
    private void Visit(int level, long parent)
    {
        if (level == _levels.Length)
        {
            Place();
            return;
        }

        Level current = _levels[level];
        if (!current.IsListed)
        {
            for (int i = 0; i < current.Size; i++)
            {
                _at[level] = i;
                Visit(level + 1, (parent * current.Size) + i);
            }

            return;
        }

        _tensor.Require(parent + 1 < current.Segments.Length, $"lists {current.Segments.Length} segments at level {level}, position {parent} is beyond");
        int begin = current.Segments[parent], end = current.Segments[parent + 1];
        _tensor.Require(
            begin >= 0 && begin <= end && end <= current.Positions.Length, $"has the segment {begin} to {end} among {current.Positions.Length} positions");
        for (int i = begin; i < end; i++)
        {
            _at[level] = current.Positions[i];
            Visit(level + 1, i);
        }
    }

    private void Place()
    {
        _tensor.Require(((long)_next + 1) * _elementBytes <= _stored.Length, "stores fewer elements than its levels name");
        Span<long> index = stackalloc long[Shape.MaxRank];
        for (int level = 0; level < _levels.Length; level++)
        {
            int axis = _order[level], block = axis - _shape.Rank;
            if (block < 0) index[axis] = _at[level];
            else index[_blockMap[block]] = (index[_blockMap[block]] * _levels[_shape.Rank + block].Size) + _at[level];
        }

        long target = 0;
        for (int axis = 0; axis < _shape.Rank; axis++)
        {
            _tensor.Require((ulong)index[axis] < (ulong)_shape[axis], $"stores an element at {index[axis]} along axis {axis} of {_shape}");
            target += index[axis] * _strides[axis];
        }

        _stored.Span.Slice(_next * _elementBytes, _elementBytes).CopyTo(_dense.AsSpan((int)(target * _elementBytes)));
        _next++;
    }

    private readonly record struct Level(bool IsListed, int Size, int[] Segments, int[] Positions);
}
