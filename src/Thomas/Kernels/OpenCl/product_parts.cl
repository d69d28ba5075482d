// What matrix products need beside them.

// y[i] = f(sum of the pieces of element i, in their order, + bias + residual).
kernel void sum_pieces(
    ARG(const float, parts), ARG(float, y),
#ifdef BIAS
    ARG(const float, bias),
#endif
#ifdef RESIDUAL
    ARG(const float, residual),
#endif
    const int count, const int pieces, const int step, const int channels)
{
    USE(const float, parts);
    USE(float, y);
#ifdef BIAS
    USE(const float, bias);
#endif
#ifdef RESIDUAL
    USE(const float, residual);
#endif
    const int i = get_global_id(0);
    if (i >= count) return;
    float sum = 0;
    for (int piece = 0; piece < pieces; piece++) sum += parts[(size_t)piece * step + i];
#ifdef BIAS
    sum += bias[i % channels];
#endif
#ifdef RESIDUAL
    sum += residual[i];
#endif
#ifdef ACT
    sum = ACT(sum);
#endif
    y[i] = sum;
}

// The transposes of some matrices: y[which][k][n] = x[which][n][k], through local memory, so that neighbors are read and written by neighbors. A group of TILE x TILE.
kernel void transpose(ARG(const float, x), ARG(float, y), const int sizeN, const int sizeK)
{
    USE(const float, x);
    USE(float, y);
    local float tile[TILE][TILE + 1];
    const size_t first = (size_t)get_group_id(2) * sizeN * sizeK;
    const int k = get_group_id(0) * TILE, n = get_group_id(1) * TILE, u = get_local_id(0), v = get_local_id(1);
    if (k + u < sizeK && n + v < sizeN) tile[v][u] = x[first + (size_t)(n + v) * sizeK + k + u];
    barrier(CLK_LOCAL_MEM_FENCE);
    if (n + u < sizeN && k + v < sizeK) y[first + (size_t)(k + v) * sizeN + n + u] = tile[u][v];
}
