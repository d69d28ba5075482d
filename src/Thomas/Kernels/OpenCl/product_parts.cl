// What matrix products need beside them.

// y[i] = f(sum of the pieces of element i + bias + residual). count and step are in vectors of pack numbers, which is 1 or 4. A group is width x height items:
// each line of items takes each height-th piece, four sums at a time, and the lines are then added two by two, so the order of a sum depends on sizes only.
kernel void sum_pieces(
    ARG(const float, parts), ARG(TC, y),
    BIAS_ARG RESIDUAL_ARG
    local float4 *sums, const int count, const int pieces, const int step, const int channels, const int height, const int pack)
{
    USE(const float, parts);
    USE(TC, y);
    USE_BIAS;
    USE_RESIDUAL;
    const int width = (int)get_local_size(0) / height, column = (int)get_local_id(0) % width, line = (int)get_local_id(0) / width;
    const int i = GROUP(0) * width + column;
    float4 sum = (float4)(0);
    if (i < count)
    {
        float4 second = (float4)(0), third = (float4)(0), fourth = (float4)(0);
        global const float *from = parts + (size_t)i * pack;
        const size_t apart = (size_t)step * pack;
        int piece = line;
        for (; piece + 3 * height < pieces; piece += 4 * height)
        {
            sum += LOAD(pack, from + piece * apart);
            second += LOAD(pack, from + (piece + height) * apart);
            third += LOAD(pack, from + (piece + 2 * height) * apart);
            fourth += LOAD(pack, from + (piece + 3 * height) * apart);
        }

        for (; piece < pieces; piece += height) sum += LOAD(pack, from + piece * apart);
        sum = (sum + second) + (third + fourth);
    }

    if (height > 1)
    {
        sums[get_local_id(0)] = sum;
        FOLD(SUM, sums, line, height, width);
        sum = sums[get_local_id(0)];
    }

    if (i >= count || line != 0) return;
    const int first = i * pack;
#ifdef BIAS
    if (pack == 4) sum += (float4)(bias[first % channels], bias[(first + 1) % channels], bias[(first + 2) % channels], bias[(first + 3) % channels]);
    else sum += (float4)(bias[first % channels]);
#endif
#ifdef RESIDUAL
    sum += LOAD_AS(TR, pack, residual + first);
#endif
    sum = pack == 4 ? MAP4(FINAL, sum) : (float4)(FINAL(sum.x));
    STORE_AS(TC, pack, y + first, sum);
}

// The transposes of some matrices: y[which][k][n] = x[which][n][k], through local memory, so that neighbors are read and written by neighbors. A group of
// TILE x TILE.
kernel void transpose(ARG(const TB, x), ARG(float, y), const int sizeN, const int sizeK)
{
    USE(const TB, x);
    USE(float, y);
    local float tile[TILE][TILE + 1];
    const size_t first = (size_t)GROUP(2) * sizeN * sizeK;
    const int k = GROUP(0) * TILE, n = GROUP(1) * TILE, u = get_local_id(0), v = get_local_id(1);
    if (k + u < sizeK && n + v < sizeN) tile[v][u] = GET(TB, x + (first + (size_t)(n + v) * sizeK + k + u));
    barrier(CLK_LOCAL_MEM_FENCE);
    if (n + u < sizeN && k + v < sizeK) y[first + (size_t)(k + v) * sizeN + n + u] = tile[u][v];
}
