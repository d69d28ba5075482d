// The gradient of an activation and the bias gradient of the layer before it, in one pass over memory. SLOPE is the activation's derivative.

// dx = dy * f'(saved), and the sums of dx over the rows of each chunk: db[chunk, c]. dx may lie over dy or saved.
kernel void activate_bias_gradient(ARG(const float, dy), ARG(const TX, saved), ARG(float, dx), ARG(float, db), local float4 *values, CUT_ARGS)
{
    USE(const float, dy);
    USE(const TX, saved);
    USE(float, dx);
    USE(float, db);
    USE_CUT;
    float4 sum = (float4)(0.0f);
    if (cut_column < columns)
    {
        const int start = CUT_START;
        int r = cut_first;
        for (; r + height < cut_end; r += 2 * height)
        {
            const int i = start + r * cut_pitch;
            const int k = i + height * cut_pitch;
            const float4 dy0 = LOAD(pack, dy + i);
            const float4 dy1 = LOAD(pack, dy + k);
            const float4 saved0 = LOAD_AS(TX, pack, saved + i);
            const float4 saved1 = LOAD_AS(TX, pack, saved + k);
            const float4 v0 = dy0 * MAP4(SLOPE, saved0);
            const float4 v1 = dy1 * MAP4(SLOPE, saved1);
            STORE(pack, dx + i, v0);
            STORE(pack, dx + k, v1);
            sum += v0 + v1;
        }
        if (r < cut_end)
        {
            const int i = start + r * cut_pitch;
            const float4 dy0 = LOAD(pack, dy + i);
            const float4 saved0 = LOAD_AS(TX, pack, saved + i);
            const float4 v0 = dy0 * MAP4(SLOPE, saved0);
            STORE(pack, dx + i, v0);
            sum += v0;
        }
    }
    values[cut_item] = sum;
    FOLD(SUM, values, cut_lane, height, cut_apart);
    if (cut_lane == 0 && cut_column < columns) STORE(pack, db + CUT_RESULT, values[cut_item]);
}
