using System.Collections.Generic;
using Thomas.Graphs;

namespace Thomas.Ops;

/// <summary>The axes of a broadcast of two operands, innermost first. Neighboring axes along which both behave alike are one.</summary>
/// <param name="Sizes">Sizes of the result, none of them 1 unless it is the only one.</param>
/// <param name="StridesA">Distance of neighbors in the first operand; 0 where it stretches.</param>
/// <param name="StridesB">Distance of neighbors in the second operand; 0 where it stretches.</param>
internal readonly record struct BroadcastAxes(int[] Sizes, int[] StridesA, int[] StridesB)
{
    /// <summary>Joins the axes of two operands and their result.</summary>
    public static BroadcastAxes Of(Shape a, Shape b, Shape result)
    {
        int[] ownA = BinaryOp.BroadcastStrides(a, result), ownB = BinaryOp.BroadcastStrides(b, result);
        List<int> sizes = [], stridesA = [], stridesB = [];
        for (int axis = result.Rank - 1; axis >= 0; axis--)
        {
            int size = result[axis];
            if (size == 1) continue;
            int last = sizes.Count - 1;
            if (last >= 0 && ownA[axis] == stridesA[last] * sizes[last] && ownB[axis] == stridesB[last] * sizes[last])
            {
                sizes[last] *= size;
                continue;
            }

            sizes.Add(size);
            stridesA.Add(ownA[axis]);
            stridesB.Add(ownB[axis]);
        }

        if (sizes.Count == 0)
        {
            sizes.Add(result.ElementCount);
            stridesA.Add(1);
            stridesB.Add(1);
        }

        return new BroadcastAxes([.. sizes], [.. stridesA], [.. stridesB]);
    }
}
