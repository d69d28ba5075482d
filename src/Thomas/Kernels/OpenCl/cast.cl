// y[i] = x[i] in another type. FROM_.. and TO_.. name the types. Numbers of 16 bits are taken apart and put together by their bits: not every device has a type
// for them, and those that have treat subnormal numbers and NaN in ways of their own.

// The number as READ, which is float or int.
#if defined(FROM_F32)
#define FROM(n) uint##n
#define READ float
#define LOADED(u) as_float(u)
#elif defined(FROM_F16)
#define FROM(n) ushort##n
#define READ float
#define LOADED(u) as_float((uint)((u) & 0x8000) << 16 | HALF_SIZE((uint)(u) & 0x7FFFu))
#define HALF_SIZE(m) \
    ((m) >= 0x7C00u ? ((m) > 0x7C00u ? 0x7FC00000u : 0x7F800000u) | ((m) & 0x3FFu) << 13 \
        : (m) < 0x400u ? as_uint((float)(m) * 5.9604644775390625e-8f) : ((m) << 13) + 0x38000000u)
#elif defined(FROM_BF16)
#define FROM(n) ushort##n
#define READ float
#define LOADED(u) as_float((uint)(u) << 16)
#else
#define READ int
#define LOADED(u) (int)(u)
#if defined(FROM_I8)
#define FROM(n) char##n
#elif defined(FROM_U8)
#define FROM(n) uchar##n
#else
#define FROM(n) int##n
#endif
#endif

// To floats: the nearest number, ties to even; beyond the largest an infinity.
#if defined(TO_F32)
#define TO(n) uint##n
#define STORED(v) as_uint((float)(v))
#elif defined(TO_F16)
#define TO(n) ushort##n
#define STORED(v) (ushort)((as_uint((float)(v)) >> 16 & 0x8000u) | HALF_BITS(as_uint((float)(v)) & 0x7FFFFFFFu))
#define HALF_BITS(m) \
    ((m) > 0x7F800000u ? 0x7E00u | ((m) >> 13 & 0x3FFu) : (m) >= 0x477FF000u ? 0x7C00u \
        : (m) < 0x38800000u ? (uint)rint(as_float(m) * 16777216.0f) : ((m) - 0x38000000u + 0xFFFu + ((m) >> 13 & 1u)) >> 13)
#elif defined(TO_BF16)
#define TO(n) ushort##n
#define STORED(v) BFLOAT_BITS(as_uint((float)(v)))
#define BFLOAT_BITS(u) (ushort)(((u) & 0x7FFFFFFFu) > 0x7F800000u ? (u) >> 16 | 0x40u : ((u) + 0x7FFFu + ((u) >> 16 & 1u)) >> 16)
#else

// To integers: without the fraction, the nearest end beyond the range, 0 for NaN.
#if defined(TO_I8)
#define TO(n) char##n
#define LEAST -128
#define MOST 127
#elif defined(TO_U8)
#define TO(n) uchar##n
#define LEAST 0
#define MOST 255
#else
#define TO(n) int##n
#define LEAST (-2147483647 - 1)
#define MOST 2147483647
#endif
#define STORED(v) (TO())((v) != (v) ? 0 : (v) <= (READ)(LEAST) ? LEAST : (v) >= (READ)(MOST) ? MOST : (int)(v))
#endif

kernel void cast(ARG(const FROM(), x), ARG(TO(), y), const int count)
{
    USE(const FROM(), x);
    USE(TO(), y);
    const int i = get_global_id(0) * WIDE;
    if (WIDE == 4 && i + 4 <= count)
    {
        const FROM(4) u = *(global const FROM(4) *)(x + i);
        const READ v0 = LOADED(u.x);
        const READ v1 = LOADED(u.y);
        const READ v2 = LOADED(u.z);
        const READ v3 = LOADED(u.w);
        *(global TO(4) *)(y + i) = (TO(4))(STORED(v0), STORED(v1), STORED(v2), STORED(v3));
    }
    else
    {
        for (int k = i; k < min(i + WIDE, count); k++)
        {
            const READ v = LOADED(x[k]);
            y[k] = STORED(v);
        }
    }
}
