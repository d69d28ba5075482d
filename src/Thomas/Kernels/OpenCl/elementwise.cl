// Element by element. F is the function of one number, or of two; 4 elements a work-item, which are neighbors.

#ifdef F1
kernel void map(ARG(const float, x), ARG(float, y), const int count)
{
    USE(const float, x);
    USE(float, y);
    const int i = get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
        const float4 v = *(global const float4 *)(x + i);
        *(global float4 *)(y + i) = MAP4(F1, v);
    }
    else
    {
        for (int k = i; k < min(i + WIDE, count); k++) y[k] = F1(x[k]);
    }
}
#endif

#ifdef F2
// y[i] = F2(a[i], b[i]); an operand may be one number.
kernel void map2(ARG(const float, a), ARG(const float, b), ARG(float, y), const int count)
{
    USE(const float, a);
    USE(const float, b);
    USE(float, y);
    const int i = get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
#ifdef ONE_A
        const float4 v = (float4)(a[0]);
#else
        const float4 v = *(global const float4 *)(a + i);
#endif
#ifdef ONE_B
        const float4 w = (float4)(b[0]);
#else
        const float4 w = *(global const float4 *)(b + i);
#endif
        *(global float4 *)(y + i) = MAP4_2(F2, v, w);
    }
    else
    {
        for (int k = i; k < min(i + WIDE, count); k++)
        {
#ifdef ONE_A
            const float v = a[0];
#else
            const float v = a[k];
#endif
#ifdef ONE_B
            const float w = b[0];
#else
            const float w = b[k];
#endif
            y[k] = F2(v, w);
        }
    }
}

// With broadcasting: up to 6 axes, innermost first; an operand's stride is 0 where it stretches.
kernel void map2_strided(ARG(const float, a), ARG(const float, b), ARG(float, y), const int count, const int s0, const int s1, const int s2, const int s3,
    const int s4, const int a0, const int a1, const int a2, const int a3, const int a4, const int a5, const int b0, const int b1, const int b2, const int b3,
    const int b4, const int b5)
{
    USE(const float, a);
    USE(const float, b);
    USE(float, y);
    const int i = get_global_id(0);
    if (i >= count) return;
    int rest = i;
    const int i0 = rest % s0;
    rest /= s0;
    const int i1 = rest % s1;
    rest /= s1;
    const int i2 = rest % s2;
    rest /= s2;
    const int i3 = rest % s3;
    rest /= s3;
    const int i4 = rest % s4;
    const int i5 = rest / s4;
    y[i] = F2(a[i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3 + i4 * a4 + i5 * a5], b[i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3 + i4 * b4 + i5 * b5]);
}
#endif
