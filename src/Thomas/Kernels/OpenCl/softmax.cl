// Softmax and what cross-entropy makes of it. lanes work-items, a power of 2, share a row of n numbers.

#define USE_ROW \
    const int item = get_local_id(0); \
    const int lane = item % lanes; \
    const int row = (int)get_global_id(0) / lanes; \
    const int start = row * n; \
    const int is_row = row < rows; \
    local float *const values = (local float *)pairs

// Of the row's numbers beta * x: largest, or NaN if one is; sum of e^(beta * x - largest); shift, its logarithm. The sum is that of the numbers that are the
// largest, usually 1, and of the rest: where the rest is small, its digits are those of the logarithm.
#define USE_LARGEST_AND_SUM(x, beta) \
    float largest = -INFINITY; \
    for (int i = lane; is_row && i < n; i += lanes) \
    { \
        const float v = (beta) * GET(TX, (x) + (start + i)); \
        largest = LARGER(largest, v); \
    } \
    values[item] = largest; \
    FOLD(LARGER, values, lane, lanes, 1); \
    largest = values[item - lane]; \
    barrier(CLK_LOCAL_MEM_FENCE); \
    float2 pair = (float2)(0.0f); \
    for (int i = lane; is_row && i < n; i += lanes) \
    { \
        const float v = (beta) * GET(TX, (x) + (start + i)); \
        const float e = exp(v - largest); \
        if (v == largest) pair.x += e; \
        else pair.y += e; \
    } \
    pairs[item] = pair; \
    FOLD(SUM, pairs, lane, lanes, 1); \
    pair = pairs[item - lane]; \
    const float sum = pair.x + pair.y; \
    const float shift = log(pair.x) + log1p(pair.y / pair.x)

// y = e^(beta * x - largest) / sum, or its logarithm.
kernel void softmax(ARG(const TX, x), ARG(TY, y), local float2 *pairs, const int rows, const int n, const int lanes, const float beta,
    const int is_logarithm)
{
    USE(const TX, x);
    USE(TY, y);
    USE_ROW;
    USE_LARGEST_AND_SUM(x, beta);
    if (!is_row) return;
    for (int i = lane; i < n; i += lanes)
    {
        const float v = beta * GET(TX, x + (start + i)) - largest;
        PUT(TY, y + (start + i), is_logarithm ? v - shift : exp(v) / sum);
    }
}

// p = softmax of x, and for each group the sum of its rows' losses: -weights * sum of targets * ln p.
kernel void cross_entropy(ARG(const TX, x), ARG(const float, targets), ARG(const float, weights), ARG(float, losses), ARG(float, p), local float2 *pairs,
    const int rows, const int n, const int lanes)
{
    USE(const TX, x);
    USE(const float, targets);
    USE(const float, weights);
    USE(float, losses);
    USE(float, p);
    USE_ROW;
    USE_LARGEST_AND_SUM(x, 1.0f);
    barrier(CLK_LOCAL_MEM_FENCE);
    const float weight = is_row ? weights[row] : 0.0f;
    float loss = 0.0f;
    for (int i = lane; is_row && i < n; i += lanes)
    {
        const float v = GET(TX, x + (start + i)) - largest;
        p[start + i] = exp(v) / sum;

        // A class that is impossible and does not occur adds nothing, although 0 * -infinity is NaN.
        const float target = targets[start + i];
        if (target != 0.0f) loss -= target * (v - shift);
    }
    values[item] = weight != 0.0f ? weight * loss : 0.0f;
    FOLD(SUM, values, item, (int)get_local_size(0), 1);
    if (item == 0) losses[GROUP(0)] = values[0];
}

// Numbers that are added before they join the others of a row, which keeps the digits of long sums.
#define BLOCK 16

// dx = dLoss * weights * (p * sum of targets - targets); rows of weight 0 give zeros. dx may lie over p.
kernel void cross_entropy_gradient(ARG(const float, p), ARG(const float, targets), ARG(const float, weights), ARG(const float, dloss), ARG(float, dx),
    local float2 *pairs, const int rows, const int n, const int lanes)
{
    USE(const float, p);
    USE(const float, targets);
    USE(const float, weights);
    USE(const float, dloss);
    USE(float, dx);
    USE_ROW;
    float sum = 0.0f;
    for (int begin = lane; is_row && begin < n; begin += BLOCK * lanes)
    {
        float block = 0.0f;
        for (int i = begin; i < min(n, begin + BLOCK * lanes); i += lanes) block += targets[start + i];
        sum += block;
    }
    values[item] = sum;
    FOLD(SUM, values, lane, lanes, 1);
    if (!is_row) return;
    sum = values[item - lane];
    const float weight = weights[row] * dloss[0];
    for (int i = lane; i < n; i += lanes) dx[start + i] = weight == 0.0f ? 0.0f : weight * (p[start + i] * sum - targets[start + i]);
}
