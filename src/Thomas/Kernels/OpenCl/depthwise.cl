// Convolution of each channel by itself. With K: windows of K x K taps, stride S, no dilation, a result channel for each channel; a work-item computes R
// rows by T pixels of V channels. Without K: any window, an element a work-item. Taps beyond the edges count as zeros.
#ifdef K
#if V == 4
#define ACTIVATE(v) MAP4(ACT, v)
#elif V == 2
#define ACTIVATE(v) (float2)(ACT(v.x), ACT(v.y))
#else
#define ACTIVATE(v) ACT(v)
#endif
#define INSIDE(i, count) ((uint)(i) < (uint)(count))
#define READ_ROWS ((R - 1) * S + K)
#define READ_COLUMNS ((T - 1) * S + K)

kernel void depthwise(ARG(const TX, x), ARG(const float, filter), ARG(const float, bias), ARG(TY, y), const int items, const int h, const int w,
    const int channels, const int oh, const int ow, const int top, const int left, const int has_bias)
{
    USE_ONLY(const TX, x);
    USE_ONLY(const float, filter);
    USE_ONLY(const float, bias);
    USE_ONLY(TY, y);
    const int item = get_global_id(0);
    if (item >= items) return;
    const int columns = channels / V, tiles = (ow + T - 1) / T, strips = (oh + R - 1) / R;
    const int c = item % columns * V, tile = item / columns, strip = tile / tiles;
    const int q = tile % tiles * T, p = strip % strips * R, n = strip / strips;
    const FV begin = has_bias ? READ(bias, c) : (FV)(0.0f);
    FV sum[R][T];
#pragma unroll
    for (int r = 0; r < R; r++)
    {
#pragma unroll
        for (int t = 0; t < T; t++) sum[r][t] = begin;
    }

#pragma unroll
    for (int i = 0; i < READ_ROWS; i++)
    {
        // Reading something in place of what there is not keeps branches away, and loads together.
        const int row = p * S - top + i;
        global const TX *restrict line = x + (n * h + clamp(row, 0, h - 1)) * w * channels + c;
        FV v[READ_COLUMNS];
#pragma unroll
        for (int j = 0; j < READ_COLUMNS; j++)
        {
            const int column = q * S - left + j;
            v[j] = READ_AS(TX, line, clamp(column, 0, w - 1) * channels);
            if (!(INSIDE(row, h) & INSIDE(column, w))) v[j] = (FV)(0.0f);
        }

#pragma unroll
        for (int r = 0; r < R; r++)
        {
            if (i >= r * S && i < r * S + K)
            {
#pragma unroll
                for (int j = 0; j < K; j++)
                {
                    const FV tap = READ(filter, ((i - r * S) * K + j) * channels + c);
#pragma unroll
                    for (int t = 0; t < T; t++) sum[r][t] += v[t * S + j] * tap;
                }
            }
        }
    }

#pragma unroll
    for (int r = 0; r < R; r++)
    {
#pragma unroll
        for (int t = 0; t < T; t++)
        {
            const FV v = sum[r][t];
            if (p + r < oh && q + t < ow) WRITE_AS(TY, y, ((n * oh + p + r) * ow + q + t) * channels + c, ACTIVATE(v));
        }
    }
}
#else
kernel void depthwise_any(ARG(const TX, x), ARG(const float, filter), ARG(const float, bias), ARG(TY, y), const int items, const int h, const int w,
    const int channels, const int oh, const int ow, const int top, const int left, const int has_bias, const int multiplier, const int kh, const int kw,
    const int sh, const int sw, const int dh, const int dw)
{
    USE_ONLY(const TX, x);
    USE_ONLY(const float, filter);
    USE_ONLY(const float, bias);
    USE_ONLY(TY, y);
    const int item = get_global_id(0);
    if (item >= items) return;
    const int outputs = channels * multiplier, o = item % outputs, pixel = item / outputs, q = pixel % ow, p = pixel / ow % oh, n = pixel / ow / oh;
    float sum = has_bias ? bias[o] : 0.0f;
    for (int i = 0; i < kh; i++)
    {
        const int row = p * sh - top + i * dh;
        if (row < 0 || row >= h) continue;
        for (int j = 0; j < kw; j++)
        {
            const int column = q * sw - left + j * dw;
            if (column >= 0 && column < w)
                sum += GET(TX, x + (((n * h + row) * w + column) * channels + o / multiplier)) * filter[(i * kw + j) * outputs + o];
        }
    }

    PUT(TY, y + item, ACT(sum));
}
#endif
