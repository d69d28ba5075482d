// The gradients of batch normalization with the statistics of the batch, through them too. V channels a work-item, which are a column; a group is columns
// (dimension 0) by lanes (dimension 1, a power of 2), and the lanes of a column share the rows of a chunk. g is what the activation, a clipping, lets
// through of dy, h is x - mean: dShift = sum g, dScale = r * sum g * h, dx = scale * r * (g - dShift / n - h * r * dScale / n), r = 1 / sqrt(variance +
// epsilon), n the rows.
#define AT(p, i) (*(global FV *)((p) + (i)))

// What clipping z lets through of dy; NaN where z is NaN.
#define PASS(dy, z) ((z) > (FV)(lower) && (z) < (FV)(upper) ? (dy) : (z) == (z) ? (FV)(0.0f) : (z))

#define OPERANDS ARG(const TX, x), ARG(const float, dy), ARG(const float, scale), ARG(const float, shift), ARG(const float, mean), ARG(const float, variance)
#define USE_OPERANDS \
    USE(const TX, x); \
    USE(const float, dy); \
    USE(const float, scale); \
    USE(const float, shift); \
    USE(const float, mean); \
    USE(const float, variance)
#define SETTINGS const float epsilon, const int clips, const float lower, const float upper
#define LOCALS local FV *sums, local FV *products

#define PLACE(number) \
    const int c = (int)get_global_id(0) * V, lanes = get_local_size(1), lane = get_local_id(1), width = get_local_size(0); \
    const int place = lane * width + (int)get_local_id(0), chunk = number; \
    const bool exists = c < channels; \
    const int first = chunk * chunk_rows + lane, end = exists ? min(rows, (chunk + 1) * chunk_rows) : 0

// What is the same for all rows of a column.
#define COLUMN \
    FV center = (FV)(0.0f), factor = (FV)(0.0f), offset = (FV)(0.0f), reciprocal = (FV)(0.0f); \
    if (exists) \
    { \
        center = READ(mean, c); \
        reciprocal = 1.0f / sqrt(READ(variance, c) + epsilon); \
        factor = READ(scale, c) * reciprocal; \
        if (clips) offset = READ(shift, c); \
    }

#define TERM(h, g, at) \
    const FV h = READ_AS(TX, x, at) - center; \
    FV g = READ(dy, at); \
    if (clips) \
    { \
        const FV z = h * factor + offset; \
        g = PASS(g, z); \
    }

// sum of g and product of g * h over this lane's rows.
#define SUMS_OF_ROWS \
    FV sum = (FV)(0.0f), product = (FV)(0.0f); \
    int r = first; \
    for (; r + 3 * lanes < end; r += 4 * lanes) \
    { \
        TERM(h0, g0, r * channels + c) \
        TERM(h1, g1, (r + lanes) * channels + c) \
        TERM(h2, g2, (r + 2 * lanes) * channels + c) \
        TERM(h3, g3, (r + 3 * lanes) * channels + c) \
        sum += (g0 + g1) + (g2 + g3); \
        product += (g0 * h0 + g1 * h1) + (g2 * h2 + g3 * h3); \
    } \
    for (; r < end; r += lanes) \
    { \
        TERM(h, g, r * channels + c) \
        sum += g; \
        product += g * h; \
    }

#define SUMS_OF_CHUNKS \
    FV sum = (FV)(0.0f), product = (FV)(0.0f); \
    for (int k = lane; exists && k < chunks; k += lanes) \
    { \
        sum += READ(partial, 2 * k * channels + c); \
        product += READ(partial, (2 * k + 1) * channels + c); \
    }

// Adds up the lanes; all of a column have its sums then.
#define ADD_LANES \
    sums[place] = sum; \
    products[place] = product; \
    for (int reach = lanes / 2; reach > 0; reach /= 2) \
    { \
        barrier(CLK_LOCAL_MEM_FENCE); \
        if (lane < reach) \
        { \
            sum += sums[place + reach * width]; \
            product += products[place + reach * width]; \
            sums[place] = sum; \
            products[place] = product; \
        } \
    } \
    barrier(CLK_LOCAL_MEM_FENCE); \
    sum = sums[place % width]; \
    product = products[place % width]

#define WRITE_SUMS \
    if (lane == 0 && exists && chunk == 0) \
    { \
        AT(d_scale, c) = product * reciprocal; \
        AT(d_shift, c) = sum; \
    }

// dx for the lane's rows, from dScale and dShift; it may be x or dy.
#define APPLY_ROWS(of_scale, of_shift) \
    const FV level = (of_shift) / (float)rows, slope = (of_scale) * reciprocal / (float)rows; \
    int i = first; \
    for (; i + lanes < end; i += 2 * lanes) \
    { \
        TERM(h0, g0, i * channels + c) \
        TERM(h1, g1, (i + lanes) * channels + c) \
        AT(dx, i * channels + c) = factor * (g0 - level - h0 * slope); \
        AT(dx, (i + lanes) * channels + c) = factor * (g1 - level - h1 * slope); \
    } \
    if (i < end) \
    { \
        TERM(h0, g0, i * channels + c) \
        AT(dx, i * channels + c) = factor * (g0 - level - h0 * slope); \
    }

// Sums of the chunks: partial[chunk][sum g, sum g * h][c].
kernel void gradient_of_chunks(OPERANDS, ARG(float, partial), const int rows, const int channels, const int chunk_rows, SETTINGS, LOCALS)
{
    USE_OPERANDS;
    USE(float, partial);
    PLACE(GROUP(1));
    COLUMN
    SUMS_OF_ROWS
    ADD_LANES;
    if (lane == 0 && exists)
    {
        AT(partial, 2 * chunk * channels + c) = sum;
        AT(partial, (2 * chunk + 1) * channels + c) = product;
    }
}

// Those of the tensor from those of its chunks.
kernel void gradient_join(ARG(const float, variance), ARG(const float, partial), ARG(float, d_scale), ARG(float, d_shift), const int channels,
    const int chunks, const float epsilon, LOCALS)
{
    USE(const float, variance);
    USE(const float, partial);
    USE(float, d_scale);
    USE(float, d_shift);
    const int rows = 0, chunk_rows = 0;
    PLACE(0);
    const FV reciprocal = exists ? 1.0f / sqrt(READ(variance, c) + epsilon) : (FV)(0.0f);
    SUMS_OF_CHUNKS
    ADD_LANES;
    WRITE_SUMS
}

// Each group adds up the chunks and then writes dx for one. Those that were read last come first: they are in the caches.
kernel void gradient_join_apply(OPERANDS, ARG(const float, partial), ARG(float, dx), ARG(float, d_scale), ARG(float, d_shift), const int rows,
    const int channels, const int chunk_rows, const int chunks, SETTINGS, LOCALS)
{
    USE_OPERANDS;
    USE(const float, partial);
    USE(float, dx);
    USE(float, d_scale);
    USE(float, d_shift);
    PLACE(chunks - 1 - GROUP(1));
    COLUMN
    SUMS_OF_CHUNKS
    ADD_LANES;
    WRITE_SUMS
    APPLY_ROWS(product * reciprocal, sum)
}

// All of it for a tensor that is one chunk.
kernel void gradient_all(OPERANDS, ARG(float, dx), ARG(float, d_scale), ARG(float, d_shift), const int rows, const int channels, const int chunk_rows,
    SETTINGS, LOCALS)
{
    USE_OPERANDS;
    USE(float, dx);
    USE(float, d_scale);
    USE(float, d_shift);
    PLACE(0);
    COLUMN
    SUMS_OF_ROWS
    ADD_LANES;
    WRITE_SUMS
    APPLY_ROWS(product * reciprocal, sum)
}

// dx once the sums are known, 4 rows of a column a work-item; it may be x or dy.
kernel void gradient_apply(OPERANDS, ARG(const float, d_scale), ARG(const float, d_shift), ARG(float, dx), const int rows, const int channels, SETTINGS)
{
    USE_OPERANDS;
    USE(const float, d_scale);
    USE(const float, d_shift);
    USE(float, dx);
    const int item = get_global_id(0), columns = channels / V, c = item % columns * V, row = item / columns * 4;
    if (row >= rows) return;
    const bool exists = true;
    COLUMN
    const int first = row, end = min(rows, row + 4), lanes = 1;
    APPLY_ROWS(READ(d_scale, c), READ(d_shift, c))
}
