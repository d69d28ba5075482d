// Gradients of a convolution of each channel by itself: with DX that of its input, with DW that of its filter, or both in one pass. Windows of K x K taps,
// stride S, no dilation, a result channel for each channel; V channels a work-item. In the padded input, a block is the S x S pixels from (a * S, b * S) on.
// Its pixels touch the results (a - k, b - l), k and l < D, and together all taps once. A work-item goes along a run of blocks of one row and keeps those
// results in registers; the item's runs are all or some of those of a chunk, which the lanes of its group share.
#define INSIDE(i, count) ((uint)(i) < (uint)(count))
#define D ((K + S - 1) / S)
#define TAPS (K * K)

#ifdef DW
// Sums of the filter's taps and, where dx is computed, of dx.
#ifdef DX
#define SUMS (TAPS + 1)
#else
#define SUMS TAPS
#endif

// So many sums of all items fit into local memory.
#define SHARED ((SUMS + 1) / 2)
#endif

// What is to be done for each result near that a pixel (u, v) of a block touches, and the tap between them.
#define EACH_TAP(work) \
    _Pragma("unroll") for (int k = 0; k < D; k++) \
    { \
        _Pragma("unroll") for (int l = 0; l < D; l++) \
        { \
            const int tap = (u + S * k) * K + v + S * l; \
            if (u + S * k < K && v + S * l < K) { work; } \
        } \
    }

kernel void depthwise_gradient(
#ifdef DW
    ARG(const TX, x), ARG(float, d_filter), ARG(float, d_bias), local float4 *vectors,
#endif
#ifdef DX
    ARG(const float, filter), ARG(float, dx),
#endif
    ARG(const float, dy), const int h, const int w, const int channels, const int oh, const int ow, const int top, const int left, const int rows,
    const int blocks, const int run, const int runs, const int tasks, const int chunk_tasks, const int clips, const float lower, const float upper)
{
    USE_ONLY(const float, dy);
    const int c = (int)get_global_id(0) * V, lane = get_local_id(1), lanes = get_local_size(1), chunk = GROUP(1);
    const bool exists = c < channels;
    const int end = exists ? min(tasks, (chunk + 1) * chunk_tasks) : 0;
#ifdef DX
    USE_ONLY(const float, filter);
    USE(float, dx);
    FV taps[TAPS];
#pragma unroll
    for (int i = 0; i < TAPS; i++) taps[i] = exists ? READ(filter, i * channels + c) : (FV)(0.0f);
#endif
#ifdef DW
    USE(const TX, x);
    local float *const shared = (local float *)vectors;
    USE(float, d_filter);
    USE(float, d_bias);
    FV sums[SUMS];
#pragma unroll
    for (int i = 0; i < SUMS; i++) sums[i] = (FV)(0.0f);
#endif
    for (int task = chunk * chunk_tasks + lane; task < end; task += lanes)
    {
        const int line = task / runs, n = line / rows, a = top / S + line % rows, b0 = left / S + task % runs * run;
        const int b1 = min(b0 + run, left / S + blocks);

        // near[k][l] is dy[a - k, b - l], 0 where there is none. Reading something in its place keeps branches away, and loads together.
        FV near[D][D];
        int base[D];
        int has[D];
#pragma unroll
        for (int k = 0; k < D; k++)
        {
            has[k] = INSIDE(a - k, oh);
            base[k] = (n * oh + clamp(a - k, 0, oh - 1)) * ow * channels + c;
#pragma unroll
            for (int l = 0; l < D - 1; l++)
            {
                const int q = b0 - 1 - l;
                near[k][l] = READ(dy, base[k] + clamp(q, 0, ow - 1) * channels);
                if (!(has[k] & INSIDE(q, ow))) near[k][l] = (FV)(0.0f);
            }
        }

        for (int b = b0; b < b1; b++)
        {
#pragma unroll
            for (int k = 0; k < D; k++)
            {
#pragma unroll
                for (int l = D - 1; l > 0; l--) near[k][l] = near[k][l - 1];
                near[k][0] = READ(dy, base[k] + min(b, ow - 1) * channels);
                if (!(has[k] & (b < ow))) near[k][0] = (FV)(0.0f);
            }

#ifdef DW
            const int all = (a >= D - 1) & (a < oh) & (b >= D - 1) & (b < ow);
            FV values[S * S];
#pragma unroll
            for (int i = 0; i < S * S; i++)
            {
                const int row = clamp(a * S + i / S - top, 0, h - 1), column = clamp(b * S + i % S - left, 0, w - 1);
                values[i] = READ_AS(TX, x, ((n * h + row) * w + column) * channels + c);
            }
#endif
#pragma unroll
            for (int u = 0; u < S; u++)
            {
#pragma unroll
                for (int v = 0; v < S; v++)
                {
                    const int row = a * S + u - top, column = b * S + v - left;

                    // Where S is 1, each block is a pixel of the image.
                    if (S == 1 || (INSIDE(row, h) & INSIDE(column, w)))
                    {
#ifdef DW
                        const FV value = values[u * S + v];
                        if (all)
                        {
                            EACH_TAP(sums[tap] += near[k][l] * value)
                        }
                        else
                        {
                            // Not 0 * x where there is no result: x may be NaN.
                            EACH_TAP(if (has[k] & INSIDE(b - l, ow)) sums[tap] += near[k][l] * value)
                        }
#endif
#ifdef DX
                        FV sum = (FV)(0.0f);
                        EACH_TAP(sum += near[k][l] * taps[tap])
#ifdef DW
                        if (clips)
                        {
                            // NaN where x is.
                            const FV flat = value == value ? (FV)(0.0f) : value;
                            const FV slope = value > (FV)(lower) && value < (FV)(upper) ? (FV)(1.0f) : flat;
                            sum *= slope;
                            sums[TAPS] += sum;
                        }
#endif
                        *(global FV *)(dx + ((n * h + row) * w + column) * channels + c) = sum;
#endif
                    }
                }
            }
        }
    }

#ifdef DW
    // The lanes' sums, half of them at a time.
    const int width = get_local_size(0) * V, place = get_local_id(0) * V, items = get_local_size(0) * lanes;
    const int me = lane * (int)get_local_size(0) + (int)get_local_id(0), corner = GROUP(0) * width;
#pragma unroll
    for (int first = 0; first < SUMS; first += SHARED)
    {
        barrier(CLK_LOCAL_MEM_FENCE);
#pragma unroll
        for (int i = 0; i < SHARED; i++)
        {
            if (first + i < SUMS) *(local FV *)(shared + (i * lanes + lane) * width + place) = sums[first + i < SUMS ? first + i : 0];
        }

        barrier(CLK_LOCAL_MEM_FENCE);
        for (int e = me; e < SHARED * width; e += items)
        {
            const int tap = e / width, channel = corner + e % width;
            if (first + tap < SUMS && channel < channels)
            {
                float sum = 0;
                for (int i = 0; i < lanes; i++) sum += shared[(tap * lanes + i) * width + e % width];
                if (first + tap < TAPS) d_filter[(chunk * TAPS + first + tap) * channels + channel] = sum;
                else if (clips) d_bias[chunk * channels + channel] = sum;
            }
        }
    }
#endif
}
