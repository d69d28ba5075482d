// Local response normalization across channels, the innermost axis. The window of channel c is [c - before, c + after].

// d^-beta; common exponents without a logarithm.
#define INVERSE_POWER(d, beta) \
    ((beta) == 0.75f ? rsqrt(d) * sqrt(rsqrt(d)) : (beta) == 0.5f ? rsqrt(d) : (beta) == 1.0f ? 1.0f / (d) : pow((d), -(beta)))

// d = bias + alpha * sum of squares over the window of the element at index, whose channel is c.
#define DIVISOR(d, x, index, c) \
    float d = 0.0f; \
    for (int j = max(-before, -(c)); j <= min(after, channels - 1 - (c)); j++) \
    { \
        const float near = GET(TX, (x) + ((index) + j)); \
        d += near * near; \
    } \
    d = bias + alpha * d

// y = x * d^-beta.
kernel void local_response_norm(ARG(const TX, x), ARG(TY, y), const int count, const int channels, const int before, const int after, const float bias,
    const float alpha, const float beta)
{
    USE(const TX, x);
    USE(TY, y);
    const int i = get_global_id(0);
    if (i >= count) return;
    const int c = i % channels;
    DIVISOR(d, x, i, c);
    PUT(TY, y + i, GET(TX, x + i) * INVERSE_POWER(d, beta));
}

// dx = dy * d^-beta - 2 * alpha * beta * x * sum of dy * x * d^(-beta - 1) over the channels whose windows hold this one. Those terms are computed once for
// each element of a group and of the windows around it, and shared in local memory.
kernel void local_response_norm_gradient(ARG(const TX, x), ARG(const float, dy), ARG(float, dx), local float *terms, const int count, const int channels,
    const int before, const int after, const float bias, const float alpha, const float beta)
{
    USE(const TX, x);
    USE(const float, dy);
    USE(float, dx);
    const int item = get_local_id(0);
    const int group = get_local_size(0);
    const int begin = GROUP(0) * group;
    float own = 0.0f;
    for (int k = item; k < group + before + after; k += group)
    {
        // The first is the item's own element; after those of the group come the elements before it and behind it.
        const int place = k < group ? after + k : k < group + after ? k - group : k;
        const int i = begin - after + place;
        float term = 0.0f;
        if (i >= 0 && i < count)
        {
            const int c = i % channels;
            DIVISOR(d, x, i, c);
            const float scaled = dy[i] * INVERSE_POWER(d, beta);
            if (k < group) own = scaled;
            term = scaled * GET(TX, x + i) / d;
        }
        terms[place] = term;
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const int i = begin + item;
    if (i >= count) return;
    const int c = i % channels;
    float sum = 0.0f;
    for (int j = max(-after, -c); j <= min(before, channels - 1 - c); j++) sum += terms[after + item + j];
    dx[i] = own - 2.0f * alpha * beta * GET(TX, x + i) * sum;
}
