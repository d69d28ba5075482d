// Rounds to the grid of a quantized tensor: y = scale * (clamp(round(x / scale) + zero, low, high) - zero); NaN stays NaN.

// Devices may divide to 2.5 units in the last place. Corrected twice by its fused remainder, a quotient is the correctly rounded one (Markstein 1990), so that
// numbers beside a half go the same way everywhere. Larger quotients are clamped.
#define QUANTIZED(y, x, scale, inverse, zero) \
    { \
        float q = (x) / (scale); \
        if (fabs(q) < 16777216.0f) \
        { \
            q = fma(fma(-q, scale, x), inverse, q); \
            q = fma(fma(-q, scale, x), inverse, q); \
        } \
        q = rint(q) + (zero); \
        q = q < low ? low : q > high ? high : q; \
        y = (q - (zero)) * (scale); \
    }

// y may be x.
kernel void quantize(ARG(const float, x), ARG(float, y), const int count, const float scale, const float inverse, const float zero, const float low,
    const float high)
{
    USE(const float, x);
    USE(float, y);
    const int i = get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
        const float4 v = *(global const float4 *)(x + i);
        float4 w;
        QUANTIZED(w.x, v.x, scale, inverse, zero)
        QUANTIZED(w.y, v.y, scale, inverse, zero)
        QUANTIZED(w.z, v.z, scale, inverse, zero)
        QUANTIZED(w.w, v.w, scale, inverse, zero)
        *(global float4 *)(y + i) = w;
    }
    else
    {
        for (int k = i; k < min(i + WIDE, count); k++) QUANTIZED(y[k], x[k], scale, inverse, zero)
    }
}

// A scale and a zero point for each channel, the innermost axis; y may be x.
kernel void quantize_channels(ARG(const float, x), ARG(const float, scales), ARG(const float, inverses), ARG(const float, zeros), ARG(float, y),
    const int count, const int channels, const float low, const float high)
{
    USE(const float, x);
    USE(const float, scales);
    USE(const float, inverses);
    USE(const float, zeros);
    USE(float, y);
    const int i = get_global_id(0);
    if (i >= count) return;
    const int c = i % channels;
    const float v = x[i];
    QUANTIZED(y[i], v, scales[c], inverses[c], zeros[c])
}
