// Batch normalization over the last axis. V channels a work-item, which are a column; a group is columns (dimension 0) by lanes (dimension 1, a power of 2),
// and the lanes of a column share the rows of a chunk. Moments are joined relative to the tensor's first row, so that neither a large mean nor many rows cost
// digits.
#define AT(p, i) (*(global FV *)((p) + (i)))
#define CLIP(v) ((v) > (FV)(upper) ? (FV)(upper) : (v) < (FV)(lower) ? (FV)(lower) : (v))

// Column, lane, and the rows of this group that are this lane's: none of a column that there is not.
#define PLACE(number) \
    const int c = (int)get_global_id(0) * V, lanes = get_local_size(1), lane = get_local_id(1), width = get_local_size(0); \
    const int place = lane * width + (int)get_local_id(0), chunk = number; \
    const bool exists = c < channels; \
    const int first = chunk * chunk_rows + lane, end = exists ? min(rows, (chunk + 1) * chunk_rows) : 0

// Moments of more rows into n, mean and square.
#define JOIN(n2, mean2, square2) JOIN_MOMENTS(FV, n2, mean2, square2)

// n, mean and square of this lane's rows, relative to base.
#define MOMENTS_OF_ROWS \
    const FV base = exists ? READ_AS(TX, x, c) : (FV)(0.0f); \
    FV mean = (FV)(0.0f), square = (FV)(0.0f); \
    float n = 0; \
    int r = first; \
    for (; r + 3 * lanes < end; r += 4 * lanes) \
    { \
        const FV x0 = READ_AS(TX, x, r * channels + c) - base, x1 = READ_AS(TX, x, (r + lanes) * channels + c) - base; \
        const FV x2 = READ_AS(TX, x, (r + 2 * lanes) * channels + c) - base, x3 = READ_AS(TX, x, (r + 3 * lanes) * channels + c) - base; \
        const FV m = ((x0 + x1) + (x2 + x3)) * 0.25f; \
        const FV s = ((x0 - m) * (x0 - m) + (x1 - m) * (x1 - m)) + ((x2 - m) * (x2 - m) + (x3 - m) * (x3 - m)); \
        JOIN(4.0f, m, s) \
    } \
    for (; r < end; r += lanes) \
    { \
        const FV m = READ_AS(TX, x, r * channels + c) - base; \
        JOIN(1.0f, m, (FV)(0.0f)) \
    }

// Joins the lanes; all of a column have its moments then.
#define JOIN_LANES \
    means[place] = mean; \
    squares[place] = square; \
    counts[place] = n; \
    for (int reach = lanes / 2; reach > 0; reach /= 2) \
    { \
        barrier(CLK_LOCAL_MEM_FENCE); \
        if (lane < reach) \
        { \
            const int other = place + reach * width; \
            JOIN(counts[other], means[other], squares[other]) \
            means[place] = mean; \
            squares[place] = square; \
            counts[place] = n; \
        } \
    } \
    barrier(CLK_LOCAL_MEM_FENCE); \
    mean = means[place % width]; \
    square = squares[place % width]

// n, mean and square of this lane's chunks; behind them lies the base.
#define MOMENTS_OF_CHUNKS \
    const FV base = exists ? READ(partial, 2 * chunks * channels + c) : (FV)(0.0f); \
    FV mean = (FV)(0.0f), square = (FV)(0.0f); \
    float n = 0; \
    for (int k = lane; exists && k < chunks; k += lanes) \
    { \
        const float count = min(chunk_rows, rows - k * chunk_rows); \
        JOIN(count, READ(partial, 2 * k * channels + c), READ(partial, (2 * k + 1) * channels + c)) \
    }

// The mean, what it loses when it is rounded, and the variance.
#define FINISH \
    const FV rounded = base + mean, part = rounded - base, lost = (base - (rounded - part)) + (mean - part), spread = square / (float)rows

#define LOCALS local FV *means, local FV *squares, local float *counts

// Moments of the chunks: partial[chunk][mean, square][c], and the base behind them.
kernel void moments_of_chunks(ARG(const TX, x), ARG(float, partial), const int rows, const int channels, const int chunk_rows,
    const int chunks, LOCALS)
{
    USE(const TX, x);
    USE(float, partial);
    PLACE(GROUP(1));
    MOMENTS_OF_ROWS
    JOIN_LANES;
    if (lane == 0 && exists)
    {
        AT(partial, 2 * chunk * channels + c) = mean;
        AT(partial, (2 * chunk + 1) * channels + c) = square;
        if (chunk == 0) AT(partial, 2 * chunks * channels + c) = base;
    }
}

// Those of the tensor from those of its chunks.
kernel void moments_join(ARG(const float, partial), ARG(float, mean_out), ARG(float, variance_out), ARG(float, rest_out), const int rows, const int channels,
    const int chunk_rows, const int chunks, LOCALS)
{
    USE(const float, partial);
    USE(float, mean_out);
    USE(float, variance_out);
    USE(float, rest_out);
    PLACE(0);
    MOMENTS_OF_CHUNKS
    JOIN_LANES;
    FINISH;
    if (lane == 0 && exists)
    {
        AT(mean_out, c) = rounded;
        AT(variance_out, c) = spread;
        AT(rest_out, c) = lost;
    }
}

// Those of the tensor from partial[block][base, mean, square][c], as products leave them: each block of rows has a base of its own.
kernel void moments_join_blocks(ARG(const float, partial), ARG(float, mean_out), ARG(float, variance_out), ARG(float, rest_out), const int rows,
    const int channels, const int block_rows, const int blocks, LOCALS)
{
    USE(const float, partial);
    USE(float, mean_out);
    USE(float, variance_out);
    USE(float, rest_out);
    const int c = (int)get_global_id(0) * V, lanes = get_local_size(1), lane = get_local_id(1), width = get_local_size(0);
    const int place = lane * width + (int)get_local_id(0);
    const bool exists = c < channels;
    const FV base = exists ? READ(partial, c) : (FV)(0.0f);
    FV mean = (FV)(0.0f), square = (FV)(0.0f);
    float n = 0;
#define OF_BLOCK(k, part) READ(partial, (3 * (k) + part) * channels + c)
#define JOIN_BLOCK(k, base2, mean2, square2) \
    { \
        const float count = min(block_rows, rows - (k) * block_rows); \
        JOIN(count, (base2 - base) + mean2, square2) \
    }
    int k = exists ? lane : blocks;
    for (; k + 3 * lanes < blocks; k += 4 * lanes)
    {
        const FV b0 = OF_BLOCK(k, 0), b1 = OF_BLOCK(k + lanes, 0), b2 = OF_BLOCK(k + 2 * lanes, 0), b3 = OF_BLOCK(k + 3 * lanes, 0);
        const FV m0 = OF_BLOCK(k, 1), m1 = OF_BLOCK(k + lanes, 1), m2 = OF_BLOCK(k + 2 * lanes, 1), m3 = OF_BLOCK(k + 3 * lanes, 1);
        const FV s0 = OF_BLOCK(k, 2), s1 = OF_BLOCK(k + lanes, 2), s2 = OF_BLOCK(k + 2 * lanes, 2), s3 = OF_BLOCK(k + 3 * lanes, 2);
        JOIN_BLOCK(k, b0, m0, s0)
        JOIN_BLOCK(k + lanes, b1, m1, s1)
        JOIN_BLOCK(k + 2 * lanes, b2, m2, s2)
        JOIN_BLOCK(k + 3 * lanes, b3, m3, s3)
    }

    for (; k < blocks; k += lanes) JOIN_BLOCK(k, OF_BLOCK(k, 0), OF_BLOCK(k, 1), OF_BLOCK(k, 2))
    JOIN_LANES;
    FINISH;
    if (lane == 0 && exists)
    {
        AT(mean_out, c) = rounded;
        AT(variance_out, c) = spread;
        AT(rest_out, c) = lost;
    }
}

// Those of a tensor that is one chunk.
kernel void moments(ARG(const TX, x), ARG(float, mean_out), ARG(float, variance_out), ARG(float, rest_out), const int rows, const int channels,
    const int chunk_rows, LOCALS)
{
    USE(const TX, x);
    USE(float, mean_out);
    USE(float, variance_out);
    USE(float, rest_out);
    PLACE(0);
    MOMENTS_OF_ROWS
    JOIN_LANES;
    FINISH;
    if (lane == 0 && exists)
    {
        AT(mean_out, c) = rounded;
        AT(variance_out, c) = spread;
        AT(rest_out, c) = lost;
    }
}

// y = f((x - rounded) * factor + offset) for the lane's rows; the first chunk writes the moments.
#define NORMALIZE_ROWS \
    if (exists) \
    { \
        const FV factor = READ(scale, c) / sqrt(spread + epsilon), offset = READ(shift, c) - lost * factor; \
        if (chunk == 0 && lane == 0) \
        { \
            AT(mean_out, c) = rounded; \
            AT(variance_out, c) = spread; \
        } \
        int i = first; \
        for (; i + 3 * lanes < end; i += 4 * lanes) \
        { \
            const FV x0 = READ_AS(TX, x, i * channels + c), x1 = READ_AS(TX, x, (i + lanes) * channels + c); \
            const FV x2 = READ_AS(TX, x, (i + 2 * lanes) * channels + c), x3 = READ_AS(TX, x, (i + 3 * lanes) * channels + c); \
            const FV y0 = (x0 - rounded) * factor + offset, y1 = (x1 - rounded) * factor + offset; \
            const FV y2 = (x2 - rounded) * factor + offset, y3 = (x3 - rounded) * factor + offset; \
            WRITE_AS(TY, y, i * channels + c, CLIP(y0)); \
            WRITE_AS(TY, y, (i + lanes) * channels + c, CLIP(y1)); \
            WRITE_AS(TY, y, (i + 2 * lanes) * channels + c, CLIP(y2)); \
            WRITE_AS(TY, y, (i + 3 * lanes) * channels + c, CLIP(y3)); \
        } \
        for (; i < end; i += lanes) \
        { \
            const FV y0 = (READ_AS(TX, x, i * channels + c) - rounded) * factor + offset; \
            WRITE_AS(TY, y, i * channels + c, CLIP(y0)); \
        } \
    }

// Each group joins the moments of the chunks and then normalizes one. Those that were read last come first: they are in the caches.
kernel void join_normalize(ARG(const TX, x), ARG(const float, scale), ARG(const float, shift), ARG(const float, partial), ARG(TY, y),
    ARG(float, mean_out), ARG(float, variance_out), const int rows, const int channels, const int chunk_rows, const int chunks, const float epsilon,
    const float lower, const float upper, LOCALS)
{
    USE(const TX, x);
    USE(const float, scale);
    USE(const float, shift);
    USE(const float, partial);
    USE(TY, y);
    USE(float, mean_out);
    USE(float, variance_out);
    PLACE(chunks - 1 - GROUP(1));
    MOMENTS_OF_CHUNKS
    JOIN_LANES;
    FINISH;
    NORMALIZE_ROWS
}

// All of it for a tensor that is one chunk.
kernel void moments_normalize(ARG(const TX, x), ARG(const float, scale), ARG(const float, shift), ARG(TY, y), ARG(float, mean_out),
    ARG(float, variance_out), const int rows, const int channels, const int chunk_rows, const float epsilon, const float lower, const float upper, LOCALS)
{
    USE(const TX, x);
    USE(const float, scale);
    USE(const float, shift);
    USE(TY, y);
    USE(float, mean_out);
    USE(float, variance_out);
    PLACE(0);
    MOMENTS_OF_ROWS
    JOIN_LANES;
    FINISH;
    NORMALIZE_ROWS
}

// y = f((x - mean - rest) * scale / sqrt(variance + epsilon) + shift), 4 rows of a column a work-item; y may be x.
kernel void normalize_elements(ARG(const TX, x), ARG(const float, scale), ARG(const float, shift), ARG(const float, mean), ARG(const float, variance),
    ARG(const float, rest), ARG(TY, y), const int rows, const int channels, const int has_rest, const float epsilon, const float lower, const float upper)
{
    USE(const TX, x);
    USE(const float, scale);
    USE(const float, shift);
    USE(const float, mean);
    USE(const float, variance);
    USE(const float, rest);
    USE(TY, y);
    const int i = get_global_id(0), columns = channels / V, c = i % columns * V, r = i / columns * 4;
    if (r >= rows) return;
    const FV center = READ(mean, c), factor = READ(scale, c) / sqrt(READ(variance, c) + epsilon);
    FV offset = READ(shift, c);
    if (has_rest) offset -= READ(rest, c) * factor;
    const int at = r * channels + c;
    if (r + 4 <= rows)
    {
        const FV x0 = READ_AS(TX, x, at), x1 = READ_AS(TX, x, at + channels), x2 = READ_AS(TX, x, at + 2 * channels), x3 = READ_AS(TX, x, at + 3 * channels);
        const FV y0 = (x0 - center) * factor + offset, y1 = (x1 - center) * factor + offset;
        const FV y2 = (x2 - center) * factor + offset, y3 = (x3 - center) * factor + offset;
        WRITE_AS(TY, y, at, CLIP(y0));
        WRITE_AS(TY, y, at + channels, CLIP(y1));
        WRITE_AS(TY, y, at + 2 * channels, CLIP(y2));
        WRITE_AS(TY, y, at + 3 * channels, CLIP(y3));
    }
    else
    {
        for (int k = 0; r + k < rows; k++)
        {
            const FV y0 = (READ_AS(TX, x, at + k * channels) - center) * factor + offset;
            WRITE_AS(TY, y, at + k * channels, CLIP(y0));
        }
    }
}
