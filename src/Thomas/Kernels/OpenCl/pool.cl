// Pooling of NHWC and its gradients, in the form that gathers. A work-item computes pack neighboring channels of one pixel; channels counts vectors of pack.

#define POOL_ARGS \
    const int count, const int channels, const int pack, const int in_h, const int in_w, const int out_h, const int out_w, const int kernel_h, \
    const int kernel_w, const int stride_h, const int stride_w, const int dilation_h, const int dilation_w, const int top, const int left

// The vector of this work-item: channel c of pixel (n, row, column) of a tensor of h rows and w columns.
#define USE_PIXEL(h, w) \
    const int index = get_global_id(0); \
    if (index >= count) return; \
    const int c = index % channels; \
    const int pixel = index / channels; \
    const int column = pixel % (w); \
    const int line = pixel / (w); \
    const int row = line % (h); \
    const int n = line / (h)

// Offset of this work-item's channels in another pixel.
#define AT(h, w, row, column) ((((n * (h) + (row)) * (w) + (column)) * channels + c) * pack)

#define IS_INSIDE(i, size) ((i) >= 0 && (i) < (size))

#ifdef ACT

// y = f(mean of each window); divisor counts padding too, or is 0 where the taps inside are counted.
kernel void average_pool(ARG(const TX, x), ARG(TY, y), POOL_ARGS, const int divisor)
{
    USE(const TX, x);
    USE(TY, y);
    USE_PIXEL(out_h, out_w);
    const int h = row * stride_h - top;
    const int w = column * stride_w - left;
    float4 sum = (float4)(0.0f);
    int taps = 0;
    for (int i = 0; i < kernel_h; i++)
    {
        const int y_in = h + i * dilation_h;
        if (!IS_INSIDE(y_in, in_h)) continue;
        for (int j = 0; j < kernel_w; j++)
        {
            const int x_in = w + j * dilation_w;
            if (!IS_INSIDE(x_in, in_w)) continue;
            sum += LOAD_AS(TX, pack, x + AT(in_h, in_w, y_in, x_in));
            taps++;
        }
    }
    const float4 mean = sum / (float)(divisor > 0 ? divisor : taps);
    STORE_AS(TY, pack, y + index * pack, MAP4(ACT, mean));
}

#else

// y = the largest of each window, NaN if there is one.
kernel void max_pool(ARG(const TX, x), ARG(TY, y), POOL_ARGS)
{
    USE(const TX, x);
    USE(TY, y);
    USE_PIXEL(out_h, out_w);
    const int h = row * stride_h - top;
    const int w = column * stride_w - left;
    float4 largest = (float4)(-INFINITY);
    for (int i = 0; i < kernel_h; i++)
    {
        const int y_in = h + i * dilation_h;
        if (!IS_INSIDE(y_in, in_h)) continue;
        for (int j = 0; j < kernel_w; j++)
        {
            const int x_in = w + j * dilation_w;
            if (!IS_INSIDE(x_in, in_w)) continue;
            const float4 v = LOAD_AS(TX, pack, x + AT(in_h, in_w, y_in, x_in));
            largest = LARGER4(largest, v);
        }
    }
    STORE_AS(TY, pack, y + index * pack, largest);
}

// The windows along one axis that may hold an element: from the first whose last tap reaches it to the last that begins before it.
#define FIRST_WINDOW(place, kernel_size, stride, dilation) \
    ((place) <= ((kernel_size) - 1) * (dilation) ? 0 : ((place) - ((kernel_size) - 1) * (dilation) + (stride) - 1) / (stride))
#define LAST_WINDOW(place, stride, windows) min((windows) - 1, (place) / (stride))

// dx = sum of dy over the windows in which this element is the first that is not below the largest. x and y are stored alike: the largest
// is one of them.
kernel void max_pool_gradient(ARG(const TX, x), ARG(const TX, y), ARG(const float, dy), ARG(float, dx), POOL_ARGS)
{
    USE(const TX, x);
    USE(const TX, y);
    USE(const float, dy);
    USE(float, dx);
    USE_PIXEL(in_h, in_w);
    const float4 here = LOAD_AS(TX, pack, x + index * pack);
    const int last_p = LAST_WINDOW(row + top, stride_h, out_h);
    const int last_q = LAST_WINDOW(column + left, stride_w, out_w);
    float4 sum = (float4)(0.0f);
    for (int p = FIRST_WINDOW(row + top, kernel_h, stride_h, dilation_h); p <= last_p; p++)
    {
        const int h = p * stride_h - top;
        if (dilation_h > 1 && (row - h) % dilation_h != 0) continue;
        for (int q = FIRST_WINDOW(column + left, kernel_w, stride_w, dilation_w); q <= last_q; q++)
        {
            const int w = q * stride_w - left;
            if (dilation_w > 1 && (column - w) % dilation_w != 0) continue;
            const int window = AT(out_h, out_w, p, q);
            const float4 largest = LOAD_AS(TX, pack, y + window);
            int4 wins = ~(here < largest);

            // Taps before this one, in row-major order, must all be below.
            for (int y_in = h; y_in <= row && any(wins); y_in += dilation_h)
            {
                if (y_in < 0) continue;
                const int end = y_in == row ? column : min(in_w, w + kernel_w * dilation_w);
                for (int x_in = w; x_in < end && any(wins); x_in += dilation_w)
                {
                    if (x_in < 0) continue;
                    const float4 before = LOAD_AS(TX, pack, x + AT(in_h, in_w, y_in, x_in));
                    wins &= before < largest;
                }
            }
            if (any(wins)) sum += as_float4(as_int4(LOAD(pack, dy + window)) & wins);
        }
    }
    STORE(pack, dx + index * pack, sum);
}

// The same where windows neither overlap nor leave gaps between them, and begin at the edge: a work-item writes all elements of a window, and zeros behind
// the last window.
kernel void max_pool_gradient_apart(ARG(const TX, x), ARG(const TX, y), ARG(const float, dy), ARG(float, dx), POOL_ARGS)
{
    USE(const TX, x);
    USE(const TX, y);
    USE(const float, dy);
    USE(float, dx);
    USE_PIXEL((in_h + kernel_h - 1) / kernel_h, (in_w + kernel_w - 1) / kernel_w);
    const bool exists = row < out_h && column < out_w;
    const int window = AT(out_h, out_w, row, column);
    const float4 largest = exists ? LOAD_AS(TX, pack, y + window) : (float4)(0.0f);
    const int4 slope = exists ? as_int4(LOAD(pack, dy + window)) : (int4)(0);
    int4 open = (int4)(-1);
    for (int y_in = row * kernel_h; y_in < min(in_h, (row + 1) * kernel_h); y_in++)
    {
        for (int x_in = column * kernel_w; x_in < min(in_w, (column + 1) * kernel_w); x_in++)
        {
            const int i = AT(in_h, in_w, y_in, x_in);
            const int4 below = LOAD_AS(TX, pack, x + i) < largest;
            STORE(pack, dx + i, as_float4(slope & open & ~below));
            open &= below;
        }
    }
}

// Taps of a window inside the tensor along one axis.
#define TAPS_BEFORE(place, dilation) ((place) <= 0 ? 0 : (dilation) == 1 ? (place) : ((place) + (dilation) - 1) / (dilation))
#define TAPS_INSIDE(begin, kernel_size, dilation, size) \
    (min((kernel_size), TAPS_BEFORE((size) - (begin), dilation)) - TAPS_BEFORE(-(begin), dilation))

// dx = sum over the windows that hold this element of dy / taps; divisor counts padding too, or is 0 where the taps inside are counted.
kernel void average_pool_gradient(ARG(const float, dy), ARG(float, dx), POOL_ARGS, const int divisor)
{
    USE(const float, dy);
    USE(float, dx);
    USE_PIXEL(in_h, in_w);
    const int last_p = LAST_WINDOW(row + top, stride_h, out_h);
    const int last_q = LAST_WINDOW(column + left, stride_w, out_w);
    float4 sum = (float4)(0.0f);
    for (int p = FIRST_WINDOW(row + top, kernel_h, stride_h, dilation_h); p <= last_p; p++)
    {
        const int h = p * stride_h - top;
        if (dilation_h > 1 && (row - h) % dilation_h != 0) continue;
        const int rows = TAPS_INSIDE(h, kernel_h, dilation_h, in_h);
        for (int q = FIRST_WINDOW(column + left, kernel_w, stride_w, dilation_w); q <= last_q; q++)
        {
            const int w = q * stride_w - left;
            if (dilation_w > 1 && (column - w) % dilation_w != 0) continue;
            const int taps = divisor > 0 ? divisor : rows * TAPS_INSIDE(w, kernel_w, dilation_w, in_w);
            sum += LOAD(pack, dy + AT(out_h, out_w, p, q)) / (float)taps;
        }
    }
    STORE(pack, dx + index * pack, sum);
}

#endif
