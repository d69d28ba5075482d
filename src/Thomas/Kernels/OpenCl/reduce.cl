// Sums, means and maxima: of [outer, reduced, inner], where neighbors are read by neighboring work-items, and of any other axes. MAXIMUM chooses the maximum.

#ifdef MAXIMUM
#define JOIN(a, b) LARGER(a, b)
#define JOIN4(a, b) LARGER4(a, b)
#define NEUTRAL (-INFINITY)
#else
#define JOIN(a, b) SUM(a, b)
#define JOIN4(a, b) SUM(a, b)
#define NEUTRAL 0.0f
#endif

// y[outer, chunk, inner] = scale * the elements of a chunk joined. Where is_joined, a vector's four numbers are elements of one column and are joined too.
kernel void reduce(ARG(const TX, x), ARG(TY, y), local float4 *values, CUT_ARGS, const int is_joined, const float scale)
{
    USE(const TX, x);
    USE(TY, y);
    USE_CUT;
    float4 joined = (float4)(NEUTRAL);
    if (cut_column < columns)
    {
        global const TX *const start = x + CUT_START;
        int r = cut_first;
        for (; r + 3 * height < cut_end; r += 4 * height)
        {
            const float4 v0 = LOAD_AS(TX, pack, start + r * cut_pitch);
            const float4 v1 = LOAD_AS(TX, pack, start + (r + height) * cut_pitch);
            const float4 v2 = LOAD_AS(TX, pack, start + (r + 2 * height) * cut_pitch);
            const float4 v3 = LOAD_AS(TX, pack, start + (r + 3 * height) * cut_pitch);
            const float4 v01 = JOIN4(v0, v1);
            const float4 v23 = JOIN4(v2, v3);
            const float4 four = JOIN4(v01, v23);
            joined = JOIN4(joined, four);
        }
        for (; r < cut_end; r += height)
        {
            const float4 v = LOAD_AS(TX, pack, start + r * cut_pitch);
            joined = JOIN4(joined, v);
        }
    }
    values[cut_item] = joined;
    FOLD(JOIN4, values, cut_lane, height, cut_apart);
    if (cut_lane != 0 || cut_column >= columns) return;
    const float4 v = values[cut_item];
    if (is_joined)
    {
        const float xy = JOIN(v.x, v.y);
        const float zw = JOIN(v.z, v.w);
        PUT(TY, y + (cut_column * chunks + cut_part), JOIN(xy, zw) * scale);
    }
    else
    {
        STORE_AS(TY, pack, y + CUT_RESULT, v * scale);
    }
}

// The four axes of an index, innermost first, as an offset.
#define OFFSET(index, s0, s1, s2, t0, t1, t2, t3) \
    ((index) % (s0) * (t0) + (index) / (s0) % (s1) * (t1) + (index) / ((s0) * (s1)) % (s2) * (t2) + (index) / ((s0) * (s1) * (s2)) * (t3))

// y[i] = scale * the elements of any axes joined: kept axes of sizes k and strides a, reduced axes of sizes r and strides b. lanes items share a result.
kernel void reduce_strided(ARG(const TX, x), ARG(TY, y), local float *values, const int count, const int reduced, const int lanes, const float scale,
    const int k0, const int k1, const int k2, const int a0, const int a1, const int a2, const int a3, const int r0, const int r1, const int r2, const int b0,
    const int b1, const int b2, const int b3)
{
    USE(const TX, x);
    USE(TY, y);
    const int item = get_local_id(0);
    const int lane = item % lanes;
    const int i = (int)get_global_id(0) / lanes;
    float joined = NEUTRAL;
    if (i < count)
    {
        global const TX *const start = x + OFFSET(i, k0, k1, k2, a0, a1, a2, a3);
        for (int r = lane; r < reduced; r += lanes)
        {
            const float v = GET(TX, start + OFFSET(r, r0, r1, r2, b0, b1, b2, b3));
            joined = JOIN(joined, v);
        }
    }
    values[item] = joined;
    FOLD(JOIN, values, lane, lanes, 1);
    if (lane == 0 && i < count) PUT(TY, y + i, values[item] * scale);
}

#ifdef MAXIMUM
// dx = dy at the first element of a column that is not below the largest, y; 0 elsewhere. A column is one chunk; x and y are stored alike.
kernel void reduce_max_gradient(ARG(const TX, x), ARG(const TX, y), ARG(const float, dy), ARG(float, dx), local int4 *values, CUT_ARGS)
{
    USE(const TX, x);
    USE(const TX, y);
    USE(const float, dy);
    USE(float, dx);
    USE_CUT;
    int4 found = (int4)(reduced);
    if (cut_column < columns)
    {
        const float4 largest = LOAD_AS(TX, pack, y + cut_column * pack);
        for (int r = cut_first; r < cut_end && any(found == reduced); r += height)
        {
            const float4 v = LOAD_AS(TX, pack, x + CUT_START + r * cut_pitch);
            found = select(min(found, (int4)(r)), found, v < largest);
        }
    }
    values[cut_item] = found;
    FOLD(min, values, cut_lane, height, cut_apart);
    if (cut_column >= columns) return;
    found = values[cut_item - cut_lane * cut_apart];
    const int4 gradient = as_int4(LOAD(pack, dy + cut_column * pack));
    for (int r = cut_first; r < cut_end; r += height)
    {
        const float4 v = as_float4(gradient & (found == r));
        STORE(pack, dx + CUT_START + r * cut_pitch, v);
    }
}
#endif
