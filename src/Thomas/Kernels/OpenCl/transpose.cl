// A transpose through local memory: y[.. + ia + ib * t_b] = x[.. + ia * f_a + ib], so that neighbors are read along b and written along a.
// TILE: elements of a tile along both axes. ROWS: rows of a tile that are moved at once; a group has TILE x ROWS items.

#define BITS_float uint
#define BITS_half ushort
#define BITS PASTE(BITS_, TX)

// The index along an axis around the two, but the outermost one, and what it adds to the distances.
#define SPLIT(k) \
    if (axes > k + 1) \
    { \
        const int i##k = rest % s##k; \
        rest /= s##k; \
        from += i##k * f##k; \
        to += i##k * t##k; \
    }

kernel __attribute__((reqd_work_group_size(TILE, ROWS, 1))) void transpose(ARG(const BITS, x), ARG(BITS, y), const int size_a, const int size_b, const int f_a,
    const int t_b, const int tiles_a, const int batches, const int step, const int axes, const int f_outer, const int t_outer, const int s0, const int s1,
    const int s2, const int s3, const int s4, const int f0, const int f1, const int f2, const int f3, const int f4, const int t0, const int t1,
    const int t2, const int t3, const int t4)
{
    USE(const BITS, x);
    USE(BITS, y);
    local BITS tile[TILE][TILE + 1];
    const int column = get_local_id(0);
    const int group = GROUP(0);
    const int a = group % tiles_a * TILE;
    const int b = group / tiles_a * TILE;
    for (int batch = GROUP(2); batch < batches; batch += step)
    {
        int rest = batch;
        int from = 0;
        int to = 0;
        SPLIT(0) SPLIT(1) SPLIT(2) SPLIT(3) SPLIT(4)
        from += rest * f_outer;
        to += rest * t_outer;
        for (int row = get_local_id(1); row < TILE; row += ROWS)
        {
            if (b + column < size_b && a + row < size_a) tile[row][column] = x[from + (a + row) * f_a + b + column];
        }

        barrier(CLK_LOCAL_MEM_FENCE);
        for (int row = get_local_id(1); row < TILE; row += ROWS)
        {
            if (a + column < size_a && b + row < size_b) y[to + (b + row) * t_b + a + column] = tile[column][row];
        }

        barrier(CLK_LOCAL_MEM_FENCE);
    }
}
