// An inverted residual: y = f(project(depthwise(expand(x)))), each with its bias and activation, without its expanded image ever being in global memory. A
// group makes TILE_H x TILE_W pixels of all output channels, for SLICE hidden channels at a time: the expanded image of its pixels and their surroundings into
// local memory, the depthwise convolution of that beside it, and what it adds to the results into registers. Channels are multiples of 4.
//
// EXPAND: whether there is an expansion; else x is the expanded image. IMAGE_H, IMAGE_W: the surroundings of a tile. COLUMNS: items side by side, each of which
// has RN vectors of outputs for RP pixels. HIDDEN_ACT, MIDDLE_ACT, ACT: the activations. expand is [k][hidden], project [hidden][output].
#define QUADS (SLICE / 4)
#define PIXELS (TILE_H * TILE_W)
#define IMAGE (IMAGE_H * IMAGE_W)
#define ITEMS (PIXELS / RP * COLUMNS)

// Pixels that an item expands at a time.
#define XP 4

#ifdef EXPAND
#define EXPAND_ARGS ARG(const float, expand), ARG(const float, expand_bias),
#else
#define EXPAND_ARGS
#endif

kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1))) void inverted_residual(
    ARG(const TX, x), EXPAND_ARGS ARG(const float, filter), ARG(const float, filter_bias), ARG(const float, project), BIAS_ARG RESIDUAL_ARG ARG(TY, y),
    const int h, const int w, const int inputs, const int hidden, const int oh, const int ow, const int outputs, const int kernelH, const int kernelW,
    const int strideH, const int strideW, const int dilationW, const int top, const int left, const int has_expand_bias, const int has_filter_bias)
{
    USE_ONLY(const TX, x);
#ifdef EXPAND
    USE_ONLY(const float, expand);
    USE_ONLY(const float, expand_bias);
#endif
    USE_ONLY(const float, filter);
    USE_ONLY(const float, filter_bias);
    USE_ONLY(const float, project);
    USE_BIAS;
    USE_RESIDUAL;
    USE(TY, y);
    local float4 image[IMAGE * QUADS], middle[PIXELS * QUADS];
    const int item = get_local_id(0), tilesW = (ow + TILE_W - 1) / TILE_W, tilesH = (oh + TILE_H - 1) / TILE_H;
    const int n = GROUP(0) / tilesW / tilesH, firstP = GROUP(0) / tilesW % tilesH * TILE_H, firstQ = GROUP(0) % tilesW * TILE_W;
    const int firstRow = firstP * strideH - top, firstColumn = firstQ * strideW - left;
    const int column = item % COLUMNS * 4, pixel = item / COLUMNS * RP;
    float4 sums[RP][RN];
#pragma unroll
    for (int r = 0; r < RP; r++)
    {
#pragma unroll
        for (int j = 0; j < RN; j++) sums[r][j] = (float4)(0);
    }

    for (int begin = 0; begin < hidden; begin += SLICE)
    {
        // The expanded image; beyond the edges of x it is zero.
        for (int i = item; i < (IMAGE + XP - 1) / XP * QUADS; i += ITEMS)
        {
            const int quad = i % QUADS, first = i / QUADS * XP, channel = begin + 4 * quad;
            float4 v[XP];
            size_t from[XP];
            int inside[XP];
#pragma unroll
            for (int t = 0; t < XP; t++)
            {
                const int place = first + t, row = firstRow + place / IMAGE_W, at = firstColumn + place % IMAGE_W;
                inside[t] = place < IMAGE && channel < hidden && (uint)row < (uint)h && (uint)at < (uint)w;
                from[t] = inside[t] ? (((size_t)n * h + row) * w + at) * inputs : 0;
            }

#ifdef EXPAND
            const int safe = min(channel, hidden - 4);
#pragma unroll
            for (int t = 0; t < XP; t++) v[t] = has_expand_bias ? GET4(float, expand_bias + safe) : (float4)(0);
            for (int k = 0; k < inputs; k += 4)
            {
                global const float *weights = expand + (size_t)k * hidden + safe;
                const float4 w0 = GET4(float, weights), w1 = GET4(float, weights + hidden);
                const float4 w2 = GET4(float, weights + 2 * hidden), w3 = GET4(float, weights + 3 * hidden);
#pragma unroll
                for (int t = 0; t < XP; t++)
                {
                    const float4 one = GET4(TX, x + (from[t] + k));
                    v[t] = fma((float4)(one.x), w0, v[t]);
                    v[t] = fma((float4)(one.y), w1, v[t]);
                    v[t] = fma((float4)(one.z), w2, v[t]);
                    v[t] = fma((float4)(one.w), w3, v[t]);
                }
            }

#pragma unroll
            for (int t = 0; t < XP; t++) v[t] = MAP4(HIDDEN_ACT, v[t]);
#else
#pragma unroll
            for (int t = 0; t < XP; t++) v[t] = GET4(TX, x + (from[t] + min(channel, hidden - 4)));
#endif
#pragma unroll
            for (int t = 0; t < XP; t++)
            {
                if (first + t < IMAGE) image[(first + t) * QUADS + quad] = inside[t] ? v[t] : (float4)(0);
            }
        }

        barrier(CLK_LOCAL_MEM_FENCE);
        for (int i = item; i < PIXELS * QUADS; i += ITEMS)
        {
            const int quad = i % QUADS, p = i / QUADS / TILE_W, q = i / QUADS % TILE_W, channel = begin + 4 * quad;
            float4 v = (float4)(0);
            if (channel < hidden)
            {
                if (has_filter_bias) v = GET4(float, filter_bias + channel);
                for (int a = 0; a < kernelH; a++)
                {
                    for (int b = 0; b < kernelW; b++)
                    {
                        const float4 tap = GET4(float, filter + ((size_t)(a * kernelW + b) * hidden + channel));
                        v = fma(image[((p * strideH + a) * IMAGE_W + q * strideW + b * dilationW) * QUADS + quad], tap, v);
                    }
                }

                v = MAP4(MIDDLE_ACT, v);
            }

            middle[i] = v;
        }

        barrier(CLK_LOCAL_MEM_FENCE);
        for (int quad = 0; quad < QUADS && begin + 4 * quad < hidden; quad++)
        {
            float4 v[RP];
#pragma unroll
            for (int r = 0; r < RP; r++) v[r] = middle[(pixel + r) * QUADS + quad];
            global const float *weights = project + (size_t)(begin + 4 * quad) * outputs;
#pragma unroll
            for (int j = 0; j < RN; j++)
            {
                const int to = min(column + j * COLUMNS * 4, outputs - 4);
                const float4 w0 = GET4(float, weights + to), w1 = GET4(float, weights + outputs + to);
                const float4 w2 = GET4(float, weights + 2 * outputs + to), w3 = GET4(float, weights + 3 * outputs + to);
#pragma unroll
                for (int r = 0; r < RP; r++)
                {
                    sums[r][j] = fma((float4)(v[r].x), w0, sums[r][j]);
                    sums[r][j] = fma((float4)(v[r].y), w1, sums[r][j]);
                    sums[r][j] = fma((float4)(v[r].z), w2, sums[r][j]);
                    sums[r][j] = fma((float4)(v[r].w), w3, sums[r][j]);
                }
            }
        }
    }

#pragma unroll
    for (int r = 0; r < RP; r++)
    {
        const int p = firstP + (pixel + r) / TILE_W, q = firstQ + (pixel + r) % TILE_W;
        if (p >= oh || q >= ow) continue;
        const size_t line = (((size_t)n * oh + p) * ow + q) * outputs;
#pragma unroll
        for (int j = 0; j < RN; j++)
        {
            const int to = column + j * COLUMNS * 4;
            if (to >= outputs) continue;
            float4 v = sums[r][j];
#ifdef BIAS
            v += GET4(float, bias + to);
#endif
#ifdef RESIDUAL
            v += GET4(TR, residual + (line + to));
#endif
            v = MAP4(FINAL, v);
            PUT4(TY, y + (line + to), v);
        }
    }
}
