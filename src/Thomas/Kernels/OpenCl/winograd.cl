// Convolutions with stride 1 by Winograd's algorithm F(2 x 2, 3 x 3) as Lavin and Gray (2016) describe it: for each tile of 2 x 2 results 16 products stand
// for 36. Tiles of 4 x 4 inputs overlap by 2. The gradient of the filters is F(3 x 3, 2 x 2) on the same tiles. Between the two transforms are 16 matrix
// products, one for each place of a tile. A larger filter is the sum of parts of 3 x 3, with zeros behind its end; each reads a tile of its own, which is 3
// pixels further, as if it had channels of its own. V channels a work-item; channels is a multiple of it.
#if V == 4
#define MAP(f, v) MAP4(f, v)
#else
#define MAP(f, v) f(v)
#endif

// The channels and the tile of this work-item, of all tiles of some images; plane is the distance of places.
#define USE_TILE \
    const int i = get_global_id(0); \
    if (i >= count) return; \
    const int c = i % (channels / V) * V, tile = i / (channels / V), plane = count * V; \
    const int column = tile % tiles_w * 2, line = tile / tiles_w, row = line % tiles_h * 2, n = first + line / tiles_h
#define TILE_ARGS const int count, const int channels, const int tiles_h, const int tiles_w, const int h, const int w, const int first

#define IS_INSIDE(y, x) ((uint)(y) < (uint)h && (uint)(x) < (uint)w)
#define AT(y, x) (((n * h + (y)) * w + (x)) * channels + c)

// The channels, the filter and its part, and where that begins in the window.
#define FILTER_ARGS const int count, const int channels, const int parts, const int parts_w, const int kernel_h, const int kernel_w
#define USE_FILTER \
    const int i = get_global_id(0); \
    if (i >= count) return; \
    const int c = i % (channels / V) * V, filter = i / (channels / V) / parts, part = i / (channels / V) % parts, plane = count * V; \
    const int row = part / parts_w * 3, column = part % parts_w * 3
#define TAP(y, x) (((filter * kernel_h + (y)) * kernel_w + (x)) * channels + c)

#ifdef RESULT

// y = f(A' m A + bias + residual), A' = 1 1 1 0 / 0 1 -1 -1.
kernel void results(ARG(const float, m), ARG(TC, y), BIAS_ARG RESIDUAL_ARG TILE_ARGS)
{
    USE(const float, m);
    USE(TC, y);
    USE_BIAS;
    USE_RESIDUAL;
    USE_TILE;
    FV t[2][4];
#pragma unroll
    for (int k = 0; k < 4; k++)
    {
        const int place = tile * channels + c + k * plane;
        const FV m0 = READ(m, place), m1 = READ(m, place + 4 * plane), m2 = READ(m, place + 8 * plane), m3 = READ(m, place + 12 * plane);
        t[0][k] = m0 + m1 + m2;
        t[1][k] = m1 - m2 - m3;
    }

#ifdef BIAS
    const FV begin = READ(bias, c);
#else
    const FV begin = (FV)(0.0f);
#endif
#pragma unroll
    for (int k = 0; k < 4; k++)
    {
        const int y_out = row + k / 2, x_out = column + k % 2;
        if (!IS_INSIDE(y_out, x_out)) continue;
        FV v = (k % 2 == 0 ? t[k / 2][0] + t[k / 2][1] + t[k / 2][2] : t[k / 2][1] - t[k / 2][2] - t[k / 2][3]) + begin;
#ifdef RESIDUAL
        v += READ_AS(TR, residual, AT(y_out, x_out));
#endif
        WRITE_AS(TC, y, AT(y_out, x_out), MAP(FINAL, v));
    }
}

#else

// v = B' x B of each part's tiles [tile][part][channel], B' = 1 0 -1 0 / 0 1 1 0 / 0 -1 1 0 / 0 1 0 -1. Beyond the edges are zeros.
kernel void data(ARG(const TX, x), ARG(float, v), TILE_ARGS, const int top, const int left, const int parts, const int parts_w)
{
    USE(const TX, x);
    USE(float, v);
    const int i = get_global_id(0);
    if (i >= count) return;
    const int c = i % (channels / V) * V, tile = i / (channels / V) / parts, part = i / (channels / V) % parts, plane = count * V;
    const int line = tile / tiles_w, n = first + line / tiles_h;
    const int column = tile % tiles_w * 2 + part % parts_w * 3 - left, row = line % tiles_h * 2 + part / parts_w * 3 - top;
    FV t[4][4];
#pragma unroll
    for (int k = 0; k < 4; k++)
    {
        FV d[4];
#pragma unroll
        for (int l = 0; l < 4; l++)
        {
            const int y_in = row + l, x_in = column + k;
            d[l] = IS_INSIDE(y_in, x_in) ? READ_AS(TX, x, AT(y_in, x_in)) : (FV)(0.0f);
        }

        t[0][k] = d[0] - d[2];
        t[1][k] = d[1] + d[2];
        t[2][k] = d[2] - d[1];
        t[3][k] = d[1] - d[3];
    }

#pragma unroll
    for (int l = 0; l < 4; l++)
    {
        const int place = i * V + 4 * l * plane;
        WRITE_AS(float, v, place, t[l][0] - t[l][2]);
        WRITE_AS(float, v, place + plane, t[l][1] + t[l][2]);
        WRITE_AS(float, v, place + 2 * plane, t[l][2] - t[l][1]);
        WRITE_AS(float, v, place + 3 * plane, t[l][1] - t[l][3]);
    }
}

// v = H dy H' of each tile of 2 x 2, H' = 1 .5 .5 0 / 0 .5 -.5 1: the gradient's part of the gradient of the filters.
kernel void slopes(ARG(const float, dy), ARG(float, v), TILE_ARGS)
{
    USE(const float, dy);
    USE(float, v);
    USE_TILE;
    FV t[4][2];
#pragma unroll
    for (int k = 0; k < 2; k++)
    {
        const FV d0 = IS_INSIDE(row, column + k) ? READ(dy, AT(row, column + k)) : (FV)(0.0f);
        const FV d1 = IS_INSIDE(row + 1, column + k) ? READ(dy, AT(row + 1, column + k)) : (FV)(0.0f);
        t[0][k] = d0;
        t[1][k] = 0.5f * (d0 + d1);
        t[2][k] = 0.5f * (d0 - d1);
        t[3][k] = d1;
    }

#pragma unroll
    for (int l = 0; l < 4; l++)
    {
        const int place = tile * channels + c + 4 * l * plane;
        WRITE_AS(float, v, place, t[l][0]);
        WRITE_AS(float, v, place + plane, 0.5f * (t[l][0] + t[l][1]));
        WRITE_AS(float, v, place + 2 * plane, 0.5f * (t[l][0] - t[l][1]));
        WRITE_AS(float, v, place + 3 * plane, t[l][1]);
    }
}

// u = G w G' of each part of each filter, G = 1 0 0 / .5 .5 .5 / .5 -.5 .5 / 0 0 1: [filter][part][channel]. Turned, for the gradient of the input, the axes
// of the window run backwards, and u is [part][filter][channel].
kernel void filters(ARG(const float, w), ARG(float, u), FILTER_ARGS, const int turned)
{
    USE(const float, w);
    USE(float, u);
    USE_FILTER;
    FV t[4][3];
#pragma unroll
    for (int k = 0; k < 3; k++)
    {
        FV g[3];
#pragma unroll
        for (int l = 0; l < 3; l++)
        {
            const int y = row + l, x = column + k;
            const int at = turned ? TAP(kernel_h - 1 - y, kernel_w - 1 - x) : TAP(y, x);
            g[l] = y < kernel_h && x < kernel_w ? READ(w, at) : (FV)(0.0f);
        }

        t[0][k] = g[0];
        t[1][k] = 0.5f * (g[0] + g[1] + g[2]);
        t[2][k] = 0.5f * (g[0] - g[1] + g[2]);
        t[3][k] = g[2];
    }

#pragma unroll
    for (int l = 0; l < 4; l++)
    {
        const int place = (turned ? part * (count / (channels / V) / parts) + filter : filter * parts + part) * channels + c + 4 * l * plane;
        WRITE_AS(float, u, place, t[l][0]);
        WRITE_AS(float, u, place + plane, 0.5f * (t[l][0] + t[l][1] + t[l][2]));
        WRITE_AS(float, u, place + 2 * plane, 0.5f * (t[l][0] - t[l][1] + t[l][2]));
        WRITE_AS(float, u, place + 3 * plane, t[l][2]);
    }
}

// dw = C' p C of each part of each filter, C' = 1 1 1 0 / 0 1 -1 0 / 0 1 1 -1.
kernel void gradients(ARG(const float, p), ARG(float, dw), FILTER_ARGS)
{
    USE(const float, p);
    USE(float, dw);
    USE_FILTER;
    FV t[3][4];
#pragma unroll
    for (int k = 0; k < 4; k++)
    {
        const int place = i * V + k * plane;
        const FV p0 = READ(p, place), p1 = READ(p, place + 4 * plane), p2 = READ(p, place + 8 * plane), p3 = READ(p, place + 12 * plane);
        t[0][k] = p0 + p1 + p2;
        t[1][k] = p1 - p2;
        t[2][k] = p1 + p2 - p3;
    }

#pragma unroll
    for (int l = 0; l < 3; l++)
    {
        if (row + l >= kernel_h) continue;
        WRITE_AS(float, dw, TAP(row + l, column), t[l][0] + t[l][1] + t[l][2]);
        if (column + 1 < kernel_w) WRITE_AS(float, dw, TAP(row + l, column + 1), t[l][1] - t[l][2]);
        if (column + 2 < kernel_w) WRITE_AS(float, dw, TAP(row + l, column + 2), t[l][1] + t[l][2] - t[l][3]);
    }
}

#endif
