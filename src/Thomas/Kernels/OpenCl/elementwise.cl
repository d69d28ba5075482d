// Element by element. F is the function of one number, or of two; 4 elements a work-item, which are neighbors.

#ifdef F1
kernel void map(ARG(const TX, x), ARG(TY, y), const int count)
{
    USE(const TX, x);
    USE(TY, y);
    const int i = get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
        const float4 v = GET4(TX, x + i);
        PUT4(TY, y + i, MAP4(F1, v));
    }
    else
    {
        for (int k = i; k < min(i + WIDE, count); k++)
        {
            const float v = GET(TX, x + k);
            PUT(TY, y + k, F1(v));
        }
    }
}
#endif

#ifdef F2
// y[i] = F2(a[i], b[i]); an operand may be one number.
kernel void map2(ARG(const TA, a), ARG(const TB, b), ARG(TY, y), const int count)
{
    USE(const TA, a);
    USE(const TB, b);
    USE(TY, y);
    const int i = get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
#ifdef ONE_A
        const float4 v = (float4)(GET(TA, a));
#else
        const float4 v = GET4(TA, a + i);
#endif
#ifdef ONE_B
        const float4 w = (float4)(GET(TB, b));
#else
        const float4 w = GET4(TB, b + i);
#endif
        PUT4(TY, y + i, MAP4_2(F2, v, w));
    }
    else
    {
        for (int k = i; k < min(i + WIDE, count); k++)
        {
#ifdef ONE_A
            const float v = GET(TA, a);
#else
            const float v = GET(TA, a + k);
#endif
#ifdef ONE_B
            const float w = GET(TB, b);
#else
            const float w = GET(TB, b + k);
#endif
            PUT(TY, y + k, F2(v, w));
        }
    }
}

// With broadcasting: up to 6 axes, innermost first; an operand's stride is 0 where it stretches.
kernel void map2_strided(ARG(const TA, a), ARG(const TB, b), ARG(TY, y), const int count, const int s0, const int s1, const int s2, const int s3,
    const int s4, const int a0, const int a1, const int a2, const int a3, const int a4, const int a5, const int b0, const int b1, const int b2, const int b3,
    const int b4, const int b5)
{
    USE(const TA, a);
    USE(const TB, b);
    USE(TY, y);
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
    const float v = GET(TA, a + (i0 * a0 + i1 * a1 + i2 * a2 + i3 * a3 + i4 * a4 + i5 * a5));
    const float w = GET(TB, b + (i0 * b0 + i1 * b1 + i2 * b2 + i3 * b3 + i4 * b4 + i5 * b5));
    PUT(TY, y + i, F2(v, w));
}
#endif
